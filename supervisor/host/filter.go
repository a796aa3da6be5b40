package host

import (
	"strconv"
	"strings"
)

// Filter explains that a seccomp filter around this process answers calls in
// the kernel's place. Its answers outrank the notifications by which a
// supervisor decides.
func (h Host) Filter(refused ...string) Trouble {
	what := "a seccomp filter around this process refuses " + strings.Join(refused, ", ")
	if len(refused) == 0 {
		what = "a seccomp filter is around this process"
	}
	return Trouble{what, h.unfiltered()}
}

func (h Host) unfiltered() string {
	switch kind, _ := h.Container(); kind {
	case Docker, Podman:
		return kind + " run --security-opt seccomp=unconfined ...   # or a profile that allows them; or --privileged"
	case Kubernetes:
		return "securityContext.seccompProfile: {type: Unconfined} for the container"
	case Flatpak:
		return "none in a Flatpak: start hotcell on the host (flatpak-spawn --host hotcell ...)"
	case Other:
		return "start the container without a seccomp filter on these calls"
	}
	if unit := h.service(); unit != "" {
		return h.asRoot("systemctl edit "+unit) +
			"   # take out SystemCallFilter=, RestrictNamespaces=, ProtectHostname= and what else filters calls (systemd.exec(5)), then restart it"
	}
	if name := h.read("/proc/" + strconv.Itoa(h.Parent) + "/comm"); name != "" {
		return "start hotcell outside of the program that set the filter; here " + name + " started it"
	}
	return "start hotcell outside of the program that set the filter"
}

// privileged is the last resort in a container whose refusal has no name.
func (h Host) privileged() string {
	switch kind, _ := h.Container(); kind {
	case Docker, Podman:
		return kind + " run --security-opt seccomp=unconfined --security-opt apparmor=unconfined ...   # or --privileged"
	case Kubernetes:
		return "securityContext.privileged: true for the container"
	}
	return "start the container with the right to make user namespaces, and to mount in them"
}
