package syscallpolicy

import "golang.org/x/sys/unix"

// Refusal is a call that the filter itself answers with an errno, without the
// supervisor and so without a record: libraries make it by habit, the answer
// never depends on who asks, and it is one that they take well.
type Refusal struct {
	Call  string     // the system call
	Value string     // for which value of the deciding argument; empty for all
	Errno unix.Errno // what it returns
	Why   string

	when []test
}

// Refusals gives the whole list: what a report cannot show.
func Refusals() []Refusal {
	const terminal = "a sandbox holds no terminal, so this is what the kernel would say"
	const placement = "memory is placed by the kernel, as where there is no NUMA"
	const copying = "programs that copy files try it first, and read and write after this answer"
	return []Refusal{
		{Call: "clone3", Errno: unix.ENOSYS, Why: "its flags lie in memory; libraries fall back to clone, whose flags can be checked"},
		{Call: "ioctl", Value: "TCGETS", Errno: unix.ENOTTY, Why: terminal, when: []test{isInt(1, unix.TCGETS)}},
		{Call: "ioctl", Value: "TCGETS2", Errno: unix.ENOTTY, Why: terminal, when: []test{isInt(1, tcgets2)}},
		{Call: "ioctl", Value: "TIOCGWINSZ", Errno: unix.ENOTTY, Why: terminal, when: []test{isInt(1, unix.TIOCGWINSZ)}},
		// The errnos are those after which Python goes on: shutil, and since 3.14
		// pathlib, which tries all three and takes no other. They would move data
		// between two descriptors in one call that no limit of the broker sees.
		{Call: "ioctl", Value: "FICLONE", Errno: unix.EOPNOTSUPP, Why: copying, when: []test{isInt(1, unix.FICLONE)}},
		{Call: "copy_file_range", Errno: unix.EXDEV, Why: copying},
		{Call: "sendfile", Errno: unix.ENOTSOCK, Why: copying},
		{Call: "fallocate", Errno: unix.EOPNOTSUPP, Why: "numpy asks for a large file's room before it writes; file systems without it say this"},
		{Call: "mbind", Errno: unix.ENOSYS, Why: placement},
		{Call: "get_mempolicy", Errno: unix.ENOSYS, Why: placement},
		{Call: "set_mempolicy", Errno: unix.ENOSYS, Why: placement},
		{Call: "prctl", Value: "PR_SET_VMA", Errno: unix.EINVAL, Why: "allocators name their mappings; kernels without names say this",
			when: []test{isInt(0, unix.PR_SET_VMA)}},
	}
}
