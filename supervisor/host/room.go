package host

import (
	"fmt"
	"strconv"
	"strings"
)

// Swaps tells that the machine has swap.
func (h Host) Swaps() bool {
	return strings.Count(h.read("/proc/swaps"), "\n") > 0 // below a headline
}

// UncountedSwap explains control groups that bound memory without swap.
func (h Host) UncountedSwap() Trouble {
	return Trouble{"a memory limit does not count swap, of which there is some",
		h.asRoot("swapoff -a") + "   # or boot with swapaccount=1"}
}

// Tasks is how many processes and threads the machine has.
func (h Host) Tasks() int {
	fields := strings.Fields(h.read("/proc/loadavg")) // loads, running/all, last id
	if len(fields) < 4 {
		return 0
	}
	_, all, _ := strings.Cut(fields[3], "/")
	n, _ := strconv.Atoi(all)
	return n
}

// RaisePIDs makes room for processes.
func (h Host) RaisePIDs() string {
	return keeping(h.asRoot("sysctl -w kernel.pid_max=4194304 kernel.threads-max=500000"), "each")
}

// RaiseLimit raises a resource limit of this process: by the name that
// limits.conf(5) has for it, and by the one of systemd.exec(5).
func (h Host) RaiseLimit(name, setting string, to int) string {
	switch kind, _ := h.Container(); kind {
	case Docker, Podman:
		return fmt.Sprintf("%s run --ulimit %s=%d ...", kind, name, to)
	}
	if unit := h.service(); unit != "" {
		return fmt.Sprintf("%s   # [Service] %s%d, then restart it", h.asRoot("systemctl edit "+unit), setting, to)
	}
	return fmt.Sprintf("%s   # holds for the program that started this one; for good: limits.conf(5)",
		h.asRoot(fmt.Sprintf("prlimit --pid %d --%s=%d:%[3]d", h.Parent, name, to)))
}

// Install is the command that installs packages of the distribution.
func (h Host) Install(packages ...string) string {
	command := "apt install " + strings.Join(packages, " ")
	switch release := h.read("/etc/os-release"); {
	case strings.Contains(release, "fedora") || strings.Contains(release, "rhel"):
		command = "dnf install " + strings.Join(packages, " ")
	case strings.Contains(release, "ID=arch"):
		command = "pacman -S " + strings.ReplaceAll(strings.Join(packages, " "), "python3", "python")
	case strings.Contains(release, "ID=alpine"):
		command = "apk add " + strings.ReplaceAll(strings.Join(packages, " "), "python3-numpy", "py3-numpy")
	}
	if h.UID != 0 {
		return "sudo " + command
	}
	return command // in a container too: its files are its own
}

// InstallNumpy is how an interpreter comes to its numpy: the distribution's
// own by a package, any other by its pip.
func (h Host) InstallNumpy(executable string) string {
	if strings.HasPrefix(executable, "/usr/bin/") {
		return h.Install("python3-numpy")
	}
	return executable + " -m pip install numpy"
}
