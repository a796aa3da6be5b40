package host

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// The stage at which namespaces are made, by the supervisor for a template
// and by the template for a sandbox. All other stages use them.
const stageNamespaces = "namespaces"

// Namespaces explains why namespaces could not be had, or did not give what
// they should: stage is where that was, as a child.StageError names it.
func (h Host) Namespaces(stage string, errno unix.Errno) Trouble {
	switch errno {
	case unix.ENOSPC, unix.EUSERS:
		return h.exhausted()
	case unix.EPERM, unix.EACCES:
		return h.forbidden(stage, errno)
	case unix.EAGAIN, unix.ENOMEM:
		return Trouble{"the kernel starts no process more: " + errno.Error(),
			"raise ulimit -u, the pids limit of the control group or the container, or free memory"}
	case unix.EINVAL, unix.ENOSYS:
		return Trouble{"the kernel lacks a kind of namespace: " + errno.Error(),
			"none on this kernel: boot one with CONFIG_USER_NS, CONFIG_PID_NS, CONFIG_NET_NS, CONFIG_IPC_NS, CONFIG_UTS_NS and CONFIG_CGROUPS"}
	}
	return Trouble{fmt.Sprintf("namespaces fail at %s: %v", stage, errno), "none known; the kernel's log (dmesg) may say more"}
}

// NamespaceLimits are the sysctls that bound how many namespaces the
// processes of a user namespace may have.
var NamespaceLimits = []string{
	"user.max_user_namespaces", "user.max_mnt_namespaces", "user.max_pid_namespaces", "user.max_net_namespaces",
	"user.max_ipc_namespaces", "user.max_uts_namespaces", "user.max_cgroup_namespaces",
}

// fewNamespaces is a limit that somebody set so low on purpose: the kernel's
// own is in the thousands.
const fewNamespaces = 64

// enoughNamespaces is what mends set: room for some thousand models.
const enoughNamespaces = 15000

// exhausted explains ENOSPC. The limits hold in this user namespace and in
// every outer one, of which nothing shows here.
func (h Host) exhausted() Trouble {
	var low, settings []string
	for _, name := range NamespaceLimits {
		if n, known := h.Sysctl(name); known && n < fewNamespaces {
			low = append(low, fmt.Sprintf("%s is %d", name, n))
			settings = append(settings, fmt.Sprintf("%s=%d", name, enoughNamespaces))
		}
	}
	if low == nil {
		return Trouble{"the kernel makes no namespace more: a limit of an outer user namespace, or 32 of them nested",
			"outside of this user namespace or container, as root: sysctl -w user.max_user_namespaces=15000"}
	}
	return Trouble{"no namespace more may be made: " + strings.Join(low, ", "), h.raise(settings)}
}

// RaiseNamespaces is the command that raises limits on namespaces.
func (h Host) RaiseNamespaces(names ...string) string {
	var settings []string
	for _, name := range names {
		settings = append(settings, fmt.Sprintf("%s=%d", name, enoughNamespaces))
	}
	return h.raise(settings)
}

func (h Host) raise(settings []string) string {
	command := "sysctl -w " + strings.Join(settings, " ")
	if kind, _ := h.Container(); kind == "" && h.UID == 0 {
		return command // these belong to the user namespace, whose root may set them
	}
	return keeping(h.asRoot(command), "each")
}

// forbidden explains a refusal. Several things may forbid the same, and then
// all must be mended.
func (h Host) forbidden(stage string, errno unix.Errno) Trouble {
	all := h.forbidding(stage)
	if len(all) == 0 {
		return h.unexplained(stage, errno)
	}
	var what, mend []string
	for _, t := range all {
		what, mend = append(what, t.What), append(mend, t.Mend)
	}
	return Trouble{strings.Join(what, "; "), strings.Join(mend, "; and ")}
}

func (h Host) forbidding(stage string) []Trouble {
	var all []Trouble
	if h.Filtered() && stage == stageNamespaces {
		all = append(all, h.Filter("clone or unshare with namespaces"))
	}
	if n, known := h.Sysctl("kernel.unprivileged_userns_clone"); known && n == 0 {
		all = append(all, Trouble{"kernel.unprivileged_userns_clone is 0: only root may make user namespaces, and a template is not root",
			keeping(h.asRoot("sysctl -w kernel.unprivileged_userns_clone=1"), "it")})
	}
	if h.UID == 0 && !h.capable(capSetgid, capSetuid) {
		all = append(all, Trouble{"this root may not give a user namespace its ids (CAP_SETUID, CAP_SETGID)", h.capabilities("SETUID", "SETGID")})
	}
	// An outer profile is there already: Ubuntu's restriction is for those
	// without.
	if profile := h.Confined(); profile != "" && profile != unprivilegedProfile {
		all = append(all, Trouble{"the AppArmor profile " + profile + " confines this process", h.withoutProfile(profile)})
	} else if n, known := h.Sysctl("kernel.apparmor_restrict_unprivileged_userns"); known && n != 0 {
		all = append(all, h.restricted(stage))
	}
	if h.read("/sys/fs/selinux/enforce") == "1" && len(all) == 0 {
		all = append(all, Trouble{"SELinux enforces a policy, which may forbid it (" + h.read("/proc/self/attr/current") + ")",
			"see what it denied, and allow that: " + h.asRoot("ausearch -m avc -ts recent")})
	}
	if len(all) == 0 && h.Filtered() {
		all = append(all, Trouble{"a seccomp filter around this process may refuse it (" + stage + ")", h.unfiltered()})
	}
	if h.chrooted() {
		all = append(all, Trouble{"this process lives in a chroot, where the kernel makes no user namespaces",
			"start hotcell outside of the chroot, or enter the directory by systemd-nspawn or pivot_root instead"})
	}
	return all
}

func (h Host) unexplained(stage string, errno unix.Errno) Trouble {
	what := fmt.Sprintf("the kernel refuses namespaces: %v", errno)
	if stage != stageNamespaces {
		what = fmt.Sprintf("namespaces can be made, but give no rights in them (%s: %v)", stage, errno)
	}
	if kind, _ := h.Container(); kind != "" {
		return Trouble{what, h.privileged()}
	}
	return Trouble{what, "none known: no setting explains it; a security module's reason is in the kernel's log (dmesg) or the audit log"}
}

// chrooted tells that the root directory is no mount. Of a chroot to a mount
// nothing shows.
func (h Host) chrooted() bool {
	info := h.read("/proc/self/mountinfo")
	for line := range strings.Lines(info) {
		if fields := strings.Fields(line); len(fields) > 4 && fields[4] == "/" {
			return false
		}
	}
	return info != ""
}
