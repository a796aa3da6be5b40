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
	if h.Env("KUBERNETES_SERVICE_HOST") != "" {
		return Kubernetes, "KUBERNETES_SERVICE_HOST in the environment"
	}
	for _, sign := range []struct{ kind, file string }{
		{Podman, "/run/.containerenv"},
		{Docker, "/.dockerenv"},
		{Flatpak, "/.flatpak-info"},
	} {
		if h.exists(sign.file) && !h.ownDisk() {
			return sign.kind, sign.file
		}
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

// ownDisk tells that the root directory is the top of a disk's own file
// system: a machine's, however many files in it speak of the container image
// that it was made from. (Containers show a layer, or a directory of a disk.)
func (h Host) ownDisk() (own bool) {
	for line := range strings.Lines(h.read("/proc/self/mountinfo")) {
		left, right, _ := strings.Cut(line, " - ")
		mount, source := strings.Fields(left), strings.Fields(right) // type, source, options
		if len(mount) > 4 && mount[4] == "/" && len(source) > 1 {
			own = mount[3] == "/" && strings.HasPrefix(source[1], "/dev/")
		}
	}
	return own
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

// capabilities words how a root comes to capabilities.
func (h Host) capabilities(names ...string) string {
	switch kind, _ := h.Container(); kind {
	case Docker, Podman:
		return kind + " run --cap-add " + strings.Join(names, " --cap-add ") + " ..."
	case Kubernetes:
		return "securityContext.capabilities.add: [" + strings.Join(names, ", ") + "] for the container"
	}
	list := "CAP_" + strings.Join(names, " CAP_")
	if unit := h.service(); unit != "" {
		return h.asRoot("systemctl edit "+unit) + "   # [Service] CapabilityBoundingSet=" + list + ", then restart it"
	}
	return "start hotcell with " + list + ", or as an ordinary user"
}

// withoutProfile words the change that lets AppArmor's container profile go.
func (h Host) withoutProfile(profile string) string {
	switch kind, _ := h.Container(); kind {
	case Docker, Podman:
		return kind + " run --security-opt apparmor=unconfined ..."
	case Kubernetes:
		return "securityContext.appArmorProfile: {type: Unconfined} for the container"
	}
	return h.asRoot("aa-complain " + profile)
}
