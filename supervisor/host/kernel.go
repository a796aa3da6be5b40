package host

import (
	"strings"

	"golang.org/x/sys/unix"
)

// NewerKernel is how one comes to a kernel that has a feature: since says
// from which version on ("5.19").
func (h Host) NewerKernel(since string) string {
	boot := "boot Linux " + since + " or newer"
	switch kind, _ := h.Container(); {
	case kind != "":
		return "none in a container, whose kernel is the host's: there, " + boot
	case strings.Contains(h.read("/etc/os-release"), "VERSION_ID=\"22.04\""):
		return h.asRoot("apt install linux-generic-hwe-22.04") + "   # then reboot"
	case strings.Contains(h.read("/etc/os-release"), "ID=debian"):
		return boot + "; Debian's backports have one (apt install -t $(. /etc/os-release; echo $VERSION_CODENAME)-backports linux-image-amd64)"
	}
	return boot
}

// Landlock explains why the kernel has none for us.
func (h Host) Landlock(errno unix.Errno) Trouble {
	switch {
	case errno == unix.EOPNOTSUPP:
		return Trouble{"the kernel has Landlock, and it was not switched on at boot", h.bootWith()}
	case h.Filtered():
		return h.Filter("landlock_create_ruleset")
	case errno == unix.ENOSYS:
		return Trouble{"the kernel was built without Landlock", "none on this kernel: boot one with CONFIG_SECURITY_LANDLOCK (Debian's and Ubuntu's have it)"}
	}
	return Trouble{"Landlock is refused: " + errno.Error(), "none known"}
}

// bootWith puts Landlock before the security modules that are there: what the
// parameter does not name is off.
func (h Host) bootWith() string {
	var modules []string
	for name := range strings.SplitSeq(h.read("/sys/kernel/security/lsm"), ",") {
		if name != "" && name != "capability" && name != "landlock" {
			modules = append(modules, name)
		}
	}
	list := "the list of CONFIG_LSM in /boot/config-$(uname -r)"
	if modules != nil {
		list = strings.Join(modules, ",")
	}
	return "add lsm=landlock," + list + " to the kernel's command line (GRUB_CMDLINE_LINUX in /etc/default/grub, then " +
		h.asRoot("update-grub") + ") and reboot"
}

// Inspection explains why a supervisor may not look into its own sandboxes.
func (h Host) Inspection(errno unix.Errno) Trouble {
	scope, known := h.Sysctl("kernel.yama.ptrace_scope")
	switch {
	case errno == unix.EPERM && known && scope >= 3:
		// The kernel never lowers this level while it runs.
		return Trouble{"kernel.yama.ptrace_scope is 3: nobody may read another process's memory",
			h.asRoot("sh -c 'echo kernel.yama.ptrace_scope = 1 > /etc/sysctl.d/99-hotcell-yama.conf'") + "   # then reboot: only that lowers it"}
	case h.Filtered():
		return h.Filter("pidfd_getfd or process_vm_readv")
	case errno == unix.ENOSYS:
		return Trouble{"the kernel has no pidfd_getfd or no process_vm_readv", h.NewerKernel("5.14")}
	}
	return Trouble{"the supervisor may not read its sandboxes: " + errno.Error(),
		"none known; a security module's reason is in the kernel's log (dmesg) or the audit log"}
}

// Identity explains that no unprivileged id can be mapped for a model; err is
// what the supervisor says.
func (h Host) Identity(err error) Trouble {
	what := "there is no id that a model could run under"
	if err != nil {
		what = firstPart(err)
	}
	switch kind, _ := h.Container(); kind {
	case Docker:
		return Trouble{what, "give the container a range of ids: userns-remap in the host's /etc/docker/daemon.json, or no user namespace for the container"}
	case Podman:
		return Trouble{what, "podman run --userns=auto ..."}
	case Kubernetes:
		return Trouble{what, "spec.hostUsers: false for the pod, on nodes with ranges of ids"}
	}
	return Trouble{what, "start hotcell in a user namespace with a range of ids (unshare --map-auto --map-root-user), as an ordinary user, or as the machine's root"}
}

// firstPart is an error's finding without the advice behind it; of several
// errors that are joined, the first one's.
func firstPart(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	text, _, _ = strings.Cut(text, "; ")
	return text
}

// RemountProc is how /proc comes to show other processes.
func (h Host) RemountProc() string {
	if h.UID != 0 {
		return h.asRoot("mount -o remount,hidepid=0 /proc") + "   # or, to stay hidden from others: gid= with a group of this user's"
	}
	return h.asRoot("mount -o remount,hidepid=0 /proc")
}
