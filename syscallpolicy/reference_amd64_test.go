//go:build linux

package syscallpolicy

import (
	"slices"

	"golang.org/x/sys/unix"
)

// The tests' own statement of what the filter must do, written as Go code
// over numbers and not from the tables that the filter is made of.

const (
	archAMD64 = unix.AUDIT_ARCH_X86_64
	archI386  = unix.AUDIT_ARCH_I386
	archARM64 = unix.AUDIT_ARCH_AARCH64
	x32Bit    = 0x40000000
)

var alwaysAllowed = []uint32{
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_READV, unix.SYS_WRITEV, unix.SYS_PREAD64, unix.SYS_PWRITE64,
	unix.SYS_PREADV, unix.SYS_PWRITEV, unix.SYS_LSEEK, unix.SYS_FSTAT, unix.SYS_CLOSE, unix.SYS_DUP, unix.SYS_DUP2,
	unix.SYS_DUP3, unix.SYS_POLL, unix.SYS_PPOLL, unix.SYS_SELECT, unix.SYS_PSELECT6, unix.SYS_BRK, unix.SYS_MUNMAP,
	unix.SYS_MSEAL, unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_GETCPU, unix.SYS_SET_ROBUST_LIST,
	unix.SYS_SET_TID_ADDRESS, unix.SYS_RSEQ, unix.SYS_RESTART_SYSCALL, unix.SYS_GETPID, unix.SYS_GETTID,
	unix.SYS_GETPPID, unix.SYS_GETUID, unix.SYS_GETEUID, unix.SYS_GETGID, unix.SYS_GETEGID, unix.SYS_GETRUSAGE,
	unix.SYS_GETRLIMIT, unix.SYS_TIMES, unix.SYS_CLOCK_GETTIME, unix.SYS_CLOCK_GETRES, unix.SYS_CLOCK_NANOSLEEP,
	unix.SYS_NANOSLEEP, unix.SYS_GETTIMEOFDAY, unix.SYS_TIME, unix.SYS_GETRANDOM, unix.SYS_GETITIMER,
	unix.SYS_SETITIMER, unix.SYS_ALARM, unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN,
	unix.SYS_RT_SIGPENDING, unix.SYS_RT_SIGTIMEDWAIT, unix.SYS_RT_SIGSUSPEND, unix.SYS_SIGALTSTACK, unix.SYS_PAUSE,
	unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
}

// reference gives the action for one call.
func reference(s Shape, d data) string {
	switch {
	case d.arch != archAMD64:
		return "kill"
	case d.nr == ^uint32(0):
		return "ask" // how a tracer says that there is no call
	case d.nr >= x32Bit:
		return "kill"
	case slices.Contains(alwaysAllowed, d.nr):
		return "allow"
	}
	if errno := referenceErrno(d); errno != "" {
		return errno
	}
	if referenceAllows(s, d) {
		return "allow"
	}
	return "ask"
}

func referenceErrno(d data) string {
	switch d.nr {
	case unix.SYS_CLONE3, unix.SYS_MBIND, unix.SYS_GET_MEMPOLICY, unix.SYS_SET_MEMPOLICY:
		return "ENOSYS"
	case unix.SYS_IOCTL:
		switch uint32(d.args[1]) {
		case unix.TCGETS, 0x802c542a, unix.TIOCGWINSZ:
			return "ENOTTY"
		case 0x40049409:
			return "ENOTSUP"
		}
	case unix.SYS_COPY_FILE_RANGE:
		return "EXDEV"
	case unix.SYS_SENDFILE:
		return "ENOTSOCK"
	case unix.SYS_FALLOCATE:
		return "ENOTSUP"
	case unix.SYS_PRCTL:
		if uint32(d.args[0]) == 0x53564d41 {
			return "EINVAL"
		}
	}
	return ""
}

func referenceAllows(s Shape, d data) bool {
	a := d.args
	var prot uint64 = 3
	if s.ExecMappings {
		prot = 7
	}
	switch d.nr {
	case unix.SYS_MMAP:
		return a[2] <= prot && a[3]&^0x12c833 == 0
	case unix.SYS_MPROTECT:
		return a[2] <= prot
	case unix.SYS_MREMAP:
		return s.GrantHigh != 0 && referenceOutside(s, a[0]) && a[3] <= 1
	case unix.SYS_MADVISE:
		return slices.Contains([]uint32{0, 1, 2, 3, 4, 8, 14, 15}, uint32(a[2]))
	case unix.SYS_FUTEX:
		op := uint32(a[1])
		return slices.Contains([]uint32{128, 129, 137, 138, 384, 385, 393, 394}, op) ||
			(op == 9 || op == 265) && (s.GrantHigh == 0 || referenceOutside(s, a[0]))
	case unix.SYS_CLONE:
		return s.Threads && a[0]&^0x1780000 == 0x50f00 // VM FS FILES SIGHAND THREAD SYSVSEM
	case unix.SYS_RECVFROM:
		return uint32(a[3])&^0x40000162 == 0
	case unix.SYS_RECVMSG:
		return uint32(a[2])&^0x40000162 == 0
	case unix.SYS_SENDTO:
		return a[4] == 0 && uint32(a[3])&^0x4040 == 0
	case unix.SYS_FCNTL:
		return slices.Contains([]uint32{0, 1, 2, 3, 1030, 1034}, uint32(a[1]))
	case unix.SYS_IOCTL:
		return slices.Contains([]uint32{0x5450, 0x5451, 0x541b}, uint32(a[1]))
	case unix.SYS_CLOSE_RANGE:
		return uint32(a[2]) == 0
	case unix.SYS_PRLIMIT64:
		return uint32(a[0]) == 0 && a[2] == 0
	case unix.SYS_PRCTL:
		return uint32(a[0]) == 15 || uint32(a[0]) == 16
	}
	return false
}

func referenceOutside(s Shape, address uint64) bool {
	return address < s.GrantLow || address >= s.GrantHigh && address < 1<<47
}
