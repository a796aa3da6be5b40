package syscallpolicy

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// conditions are the calls that s allows for some values of their arguments.
// What does not match is asked.
func (s Shape) conditions() []condition {
	list := []condition{s.mmap(), s.mprotect(), s.mremap(), madvise(), s.futex()}
	if s.Threads {
		list = append(list, threadClone())
	}
	return append(list, commandConditions()...)
}

func (s Shape) mmap() condition {
	// Not MAP_HUGETLB: the pages come from the host's pool, beside the
	// memory limit. Not MAP_GROWSDOWN: no measured library makes a mapping that
	// grows by itself, and CVE-2023-3269 lay in their growing.
	const flags = unix.MAP_SHARED | unix.MAP_PRIVATE | unix.MAP_FIXED | unix.MAP_FIXED_NOREPLACE | unix.MAP_ANONYMOUS |
		unix.MAP_NORESERVE | unix.MAP_POPULATE | unix.MAP_STACK | unix.MAP_DENYWRITE
	return condition{
		call:  "mmap",
		words: s.protection() + ", flags only SHARED PRIVATE FIXED FIXED_NOREPLACE ANONYMOUS NORESERVE POPULATE STACK DENYWRITE",
		anyOf: [][]test{{hasOnly(2, s.protectionBits()), hasOnly(3, flags)}},
	}
}

func (s Shape) mprotect() condition {
	return condition{call: "mprotect", words: s.protection(), anyOf: [][]test{{hasOnly(2, s.protectionBits())}}}
}

// protectionBits: the kernel takes prot as an unsigned long, so all 64 bits are
// compared, and what it may some day read out of them is asked.
func (s Shape) protectionBits() uint64 {
	if s.ExecMappings {
		return unix.PROT_READ | unix.PROT_WRITE | unix.PROT_EXEC
	}
	return unix.PROT_READ | unix.PROT_WRITE
}

func (s Shape) protection() string {
	if s.ExecMappings {
		return "protection only READ WRITE EXEC"
	}
	return "protection only READ WRITE"
}

// mremap moves and grows the caller's own memory, without which lists and
// byte arrays grow many times more slowly, except in the grants' range. The
// old length plays no part: what grows or moves lies in the one mapping at the
// old address. MREMAP_FIXED would bring a mapping into the range;
// MREMAP_DONTUNMAP would leave a copy behind.
func (s Shape) mremap() condition {
	c := condition{call: "mremap", words: "never: the shape names no range of grants"}
	if s.GrantHigh != 0 {
		c.words = fmt.Sprintf("old address outside the grants, in [0, %#x) or [%#x, %#x), flags only MAYMOVE",
			s.GrantLow, s.GrantHigh, uint64(addressLimit))
		c.anyOf = each(outside(0, s.GrantLow, s.GrantHigh, addressLimit), hasOnly(3, unix.MREMAP_MAYMOVE))
	}
	return c
}

// madvise: what allocators, numpy and mmap objects use. Not MADV_MERGEABLE:
// whether a page was merged can be timed, so it tells what other sandboxes
// hold. Not MADV_PAGEOUT and MADV_COLD, which move pages that others share.
// Not MADV_REMOVE, which changes files.
func madvise() condition {
	return condition{
		call:  "madvise",
		words: "advice NORMAL RANDOM SEQUENTIAL WILLNEED DONTNEED FREE HUGEPAGE NOHUGEPAGE",
		anyOf: oneOf(2, unix.MADV_NORMAL, unix.MADV_RANDOM, unix.MADV_SEQUENTIAL, unix.MADV_WILLNEED, unix.MADV_DONTNEED,
			unix.MADV_FREE, unix.MADV_HUGEPAGE, unix.MADV_NOHUGEPAGE),
	}
}

// futex operations and flags of linux/futex.h.
const (
	futexWait       = 0
	futexWake       = 1
	futexWaitBitset = 9
	futexWakeBitset = 10
	futexPrivate    = 128
	futexRealtime   = 256
)

// futex waits and wakes inside the process. Not the operations that inherit
// priorities or requeue: CVE-2014-3153 and CVE-2021-3347 lived there, and no
// measured library uses them. Of the ones between processes only the wait in
// which pthread_join ends, and not on granted memory: two models that read
// one array could signal to each other through it (a wake needs no FUTEX_WAKE,
// a thread's end makes one wherever it asked for).
func (s Shape) futex() condition {
	op := func(op uint64) test {
		return test{arg: 1, mask: lowHalf &^ futexRealtime, want: op}
	}
	c := condition{
		call:  "futex",
		words: "WAIT WAKE WAIT_BITSET WAKE_BITSET with PRIVATE",
		anyOf: [][]test{
			{op(futexWait | futexPrivate)}, {op(futexWake | futexPrivate)},
			{op(futexWaitBitset | futexPrivate)}, {op(futexWakeBitset | futexPrivate)},
		},
	}
	shared := op(futexWaitBitset)
	if s.GrantHigh == 0 {
		c.words += "; WAIT_BITSET without"
		c.anyOf = append(c.anyOf, []test{shared})
		return c
	}
	c.words += "; WAIT_BITSET without, at addresses outside the grants"
	c.anyOf = append(c.anyOf, each(outside(0, s.GrantLow, s.GrantHigh, addressLimit), shared)...)
	return c
}

// threadClone allows what pthread_create asks for. The new thread must share
// everything: with CLONE_VM alone it would be a process, and with a descriptor
// table of its own (no CLONE_FILES) the number that the supervisor looks up
// with pidfd_getfd, in the table of the process, would be another file than
// the one the thread names.
func threadClone() condition {
	const required = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD |
		unix.CLONE_SYSVSEM
	const optional = unix.CLONE_SETTLS | unix.CLONE_PARENT_SETTID | unix.CLONE_CHILD_SETTID | unix.CLONE_CHILD_CLEARTID |
		unix.CLONE_DETACHED
	return condition{
		call:  "clone",
		words: "flags VM FS FILES SIGHAND THREAD SYSVSEM and at most SETTLS PARENT_SETTID CHILD_SETTID CHILD_CLEARTID DETACHED",
		anyOf: [][]test{{test{arg: 0, mask: ^uint64(optional), want: required}}},
	}
}

// commandConditions are the calls that depend on a command or on flags.
func commandConditions() []condition {
	// Not MSG_OOB, in either direction: out-of-band data on Unix sockets was
	// the way out of a browser's sandbox (CVE-2025-38236). Not MSG_FASTOPEN,
	// which connects, nor MSG_ERRQUEUE.
	const receive = unix.MSG_PEEK | unix.MSG_TRUNC | unix.MSG_DONTWAIT | unix.MSG_WAITALL | unix.MSG_CMSG_CLOEXEC
	const receiveWords = "flags only PEEK TRUNC DONTWAIT WAITALL CMSG_CLOEXEC"
	return []condition{
		{"recvfrom", receiveWords, [][]test{{hasOnlyInt(3, receive)}}},
		{"recvmsg", receiveWords, [][]test{{hasOnlyInt(2, receive)}}},
		{"sendto", "no address, flags only DONTWAIT NOSIGNAL",
			[][]test{{is(4, 0), hasOnlyInt(3, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)}}},
		// Not F_SETFL: O_NONBLOCK and O_ASYNC belong to the open file, which the
		// host may share. Not locks, leases, owners and pipe sizes.
		{"fcntl", "F_DUPFD F_DUPFD_CLOEXEC F_GETFD F_SETFD F_GETFL F_GET_SEALS",
			oneOf(1, unix.F_DUPFD, unix.F_DUPFD_CLOEXEC, unix.F_GETFD, unix.F_SETFD, unix.F_GETFL, unix.F_GET_SEALS)},
		{"ioctl", "FIOCLEX FIONCLEX FIONREAD", oneOf(1, fioclex, fionclex, fionread)},
		// CLOSE_RANGE_UNSHARE would give the thread a descriptor table of its own.
		{"close_range", "no flags", [][]test{{isInt(2, 0)}}},
		{"prlimit64", "reading one's own", [][]test{{isInt(0, 0), is(2, 0)}}},
		{"prctl", "PR_SET_NAME PR_GET_NAME", oneOf(0, unix.PR_SET_NAME, unix.PR_GET_NAME)},
	}
}

// The ioctl commands that x/sys does not have for Linux, as on amd64 and arm64.
const (
	fionread = 0x541b
	fionclex = 0x5450
	fioclex  = 0x5451
	tcgets2  = 0x802c542a
)
