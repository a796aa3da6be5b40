package doctor

import (
	"slices"

	"golang.org/x/sys/unix"
)

// call is a system call that supervisors, children or shims need, with
// arguments on which the kernel does nothing: it answers before it asks for
// rights, so that EPERM or ENOSYS is never its own word. Calls of which that
// is not true are tried by the probe of namespaces.
type call struct {
	name     string
	number   uintptr
	args     [6]uintptr
	since    [2]int // the kernel that has it; before, ENOSYS is its own word
	optional bool   // models run without it
}

const (
	none = ^uintptr(0) // a descriptor that is not open, an id that stays

	// In one call the kernel allows no new user namespace with a shared
	// working directory. Container filters look for the first of the flags.
	impossibleClone = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_FS
)

// Names of calls whose answers are asked for one by one.
const (
	callNotify       = "seccomp(GET_ACTION_AVAIL, USER_NOTIF)"
	callKill         = "seccomp(GET_ACTION_AVAIL, KILL_PROCESS)"
	callWaitKillable = "seccomp(SET_MODE_FILTER, WAIT_KILLABLE_RECV)"
	callLandlock     = "landlock_create_ruleset"
	callMseal        = "mseal"
)

var neededCalls = []call{
	{name: "clone with namespaces", number: unix.SYS_CLONE, args: [6]uintptr{impossibleClone}},
	{name: "clone3", number: unix.SYS_CLONE3, since: [2]int{5, 3}},
	{name: "unshare", number: unix.SYS_UNSHARE},
	{name: "mount", number: unix.SYS_MOUNT},
	{name: "umount2", number: unix.SYS_UMOUNT2, args: [6]uintptr{0, none}},
	{name: "open_tree", number: unix.SYS_OPEN_TREE, args: [6]uintptr{none, 0, none}, since: [2]int{5, 2}},
	{name: "mount_setattr", number: unix.SYS_MOUNT_SETATTR, args: [6]uintptr{none, 0, none}, since: [2]int{5, 12}},
	{name: "setresuid", number: unix.SYS_SETRESUID, args: [6]uintptr{none, none, none}},
	{name: "setresgid", number: unix.SYS_SETRESGID, args: [6]uintptr{none, none, none}},
	{name: "capset", number: unix.SYS_CAPSET},
	{name: "prlimit64", number: unix.SYS_PRLIMIT64, args: [6]uintptr{0, 9999}},
	{name: "personality", number: unix.SYS_PERSONALITY},
	{name: "close_range", number: unix.SYS_CLOSE_RANGE, args: [6]uintptr{2, 1}, since: [2]int{5, 9}},
	{name: "memfd_create", number: unix.SYS_MEMFD_CREATE, args: [6]uintptr{0, none}},
	{name: "openat2", number: unix.SYS_OPENAT2, args: [6]uintptr{none}, since: [2]int{5, 6}},
	{name: "pidfd_open", number: unix.SYS_PIDFD_OPEN, since: [2]int{5, 3}},
	{name: "pidfd_getfd", number: unix.SYS_PIDFD_GETFD, args: [6]uintptr{none, 0, 0}, since: [2]int{5, 6}},
	{name: "pidfd_send_signal", number: unix.SYS_PIDFD_SEND_SIGNAL, args: [6]uintptr{none}, since: [2]int{5, 1}},
	{name: "process_vm_readv", number: unix.SYS_PROCESS_VM_READV, args: [6]uintptr{0, 0, 0, 0, 0, 1}},
	{name: callNotify, number: unix.SYS_SECCOMP, args: [6]uintptr{unix.SECCOMP_GET_ACTION_AVAIL, 0, addressOfNotify()}},
	{name: callKill, number: unix.SYS_SECCOMP, args: [6]uintptr{unix.SECCOMP_GET_ACTION_AVAIL, 0, addressOfKill()}},
	{name: callWaitKillable, number: unix.SYS_SECCOMP, optional: true, args: [6]uintptr{unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV}},
	{name: callLandlock, number: unix.SYS_LANDLOCK_CREATE_RULESET, optional: true,
		args: [6]uintptr{0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION}, since: [2]int{99, 0}}, // a kernel may be built without
	{name: callMseal, number: unix.SYS_MSEAL, optional: true, args: [6]uintptr{0, 0, 1}, since: [2]int{6, 10}},
}

// makeCalls is the probe: every call, told one by one, since a filter may end
// the process at any of them.
func makeCalls(t teller) {
	for _, c := range neededCalls {
		value, _, errno := unix.Syscall6(c.number, c.args[0], c.args[1], c.args[2], c.args[3], c.args[4], c.args[5])
		a := answer{Call: c.name, Errno: errno}
		if errno == 0 {
			a.Value = int64(value)
		}
		t.say(a)
	}
}

// refusals are the calls that somebody other than the kernel answered: those
// that a model cannot run without, and the others.
func (e *evidence) refusals() (needed, optional []string) {
	for _, c := range neededCalls {
		got, made := e.calls.of(c.name)
		if !made {
			// Ended by the first call that has no answer.
			if e.deadly() {
				needed = append(needed, c.name+" (and ends the process)")
			}
			break
		}
		refused := slices.Contains([]unix.Errno{unix.EPERM, unix.EACCES}, got.Errno) ||
			got.Errno == unix.ENOSYS && e.atLeast(c.since[0], c.since[1])
		switch {
		case refused && c.optional:
			optional = append(optional, c.name)
		case refused:
			needed = append(needed, c.name)
		}
	}
	return needed, optional
}
