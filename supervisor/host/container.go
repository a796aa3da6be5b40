package host

import "strings"

// Kinds of containers.
const (
	Docker     = "docker"
	Podman     = "podman"
	Kubernetes = "kubernetes"
	Flatpak    = "flatpak"
	Other      = "container" // of some other kind
)

// Container tells what kind of container this process lives in and what says
// so. The kind is "" where nothing does.
func (h Host) Container() (kind, evidence string) {
	for _, sign := range []struct{ kind, file string }{
		{Podman, "/run/.containerenv"},
		{Flatpak, "/.flatpak-info"},
	} {
		if h.exists(sign.file) {
			return sign.kind, sign.file
		}
	}
	if h.Env("KUBERNETES_SERVICE_HOST") != "" {
		return Kubernetes, "KUBERNETES_SERVICE_HOST in the environment"
	}
	if h.exists("/.dockerenv") {
		return Docker, "/.dockerenv"
	}
	if kind, evidence := h.containerGroup(); kind != "" {
		return kind, evidence
	}
	if name := h.Env("container"); name != "" {
		return Other, "container=" + name + " in the environment"
	}
	if h.exists("/run/systemd/container") {
		return Other, "/run/systemd/container says " + h.read("/run/systemd/container")
	}
	return "", ""
}

// containerGroup looks at the names of the control groups of this process and
// of the first one: without a cgroup namespace a container's shows there.
func (h Host) containerGroup() (kind, evidence string) {
	for _, file := range []string{"/proc/self/cgroup", "/proc/1/cgroup"} {
		groups := h.read(file)
		for _, sign := range []struct{ kind, text string }{
			{Kubernetes, "/kubepods"}, {Podman, "/libpod-"}, {Docker, "/docker-"}, {Docker, "/docker/"}, {Other, "/lxc"},
		} {
			if strings.Contains(groups, sign.text) {
				return sign.kind, sign.text + " in " + file
			}
		}
	}
	return "", ""
}

// asRoot words a command that needs the machine's root, for whoever reads it
// here: who cannot become that root is told where to go.
func (h Host) asRoot(command string) string {
	switch kind, _ := h.Container(); {
	case kind != "":
		return "on the container's host, as root: " + command
	case h.Nested():
		return "outside of this user namespace, as root: " + command
	case h.UID != 0:
		return "sudo " + command
	}
	return command
}

// keeping adds how a setting outlives the next boot, as a shell's comment.
func keeping(command, name string) string {
	return command + "   # to keep it: the same line of " + name + " in /etc/sysctl.d/60-hotcell.conf"
}

// Profile words the change that lets AppArmor's container profile go.
func (h Host) withoutProfile(profile string) string {
	switch kind, _ := h.Container(); kind {
	case Docker, Podman:
		return kind + " run --security-opt apparmor=unconfined ..."
	case Kubernetes:
		return "securityContext.appArmorProfile: {type: Unconfined} for the container"
	}
	return h.asRoot("aa-complain " + profile)
}
