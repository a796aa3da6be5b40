package broker

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls of the shortest path, on bytes that end in a NUL: x/sys takes
// strings and copies each to add one.

// openat2 opens a name below dir. The kernel interrupts it for the Go
// scheduler's signals on slow file systems.
func openat2(dir Descriptor, path []byte, how *unix.OpenHow) (Descriptor, unix.Errno) {
	if path[len(path)-1] != 0 {
		return none, unix.EINVAL
	}
	for {
		fd, _, errno := unix.Syscall6(unix.SYS_OPENAT2, uintptr(dir), uintptr(unsafe.Pointer(&path[0])),
			uintptr(unsafe.Pointer(how)), unsafe.Sizeof(*how), 0, 0)
		switch errno {
		case 0:
			return Descriptor(fd), 0
		case unix.EINTR:
		default:
			return none, errno
		}
	}
}

// openMagic opens what /proc/self/fd has under a number: the one place where
// a magic link is followed, and it is our own.
func openMagic(procfd Descriptor, number []byte, flags int) (Descriptor, unix.Errno) {
	if number[len(number)-1] != 0 {
		return none, unix.EINVAL
	}
	for {
		fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, uintptr(procfd), uintptr(unsafe.Pointer(&number[0])),
			uintptr(flags|unix.O_CLOEXEC), 0, 0, 0)
		switch errno {
		case 0:
			return Descriptor(fd), 0
		case unix.EINTR:
		default:
			return none, errno
		}
	}
}

// statBytes is a result as the kernel lays it out, which is as the caller
// expects it: both run on one architecture.
func statBytes(s *unix.Stat_t) []byte {
	return (*[unsafe.Sizeof(*s)]byte)(unsafe.Pointer(s))[:]
}

func statxBytes(s *unix.Statx_t) []byte {
	return (*[unsafe.Sizeof(*s)]byte)(unsafe.Pointer(s))[:]
}

func statfsBytes(s *unix.Statfs_t) []byte {
	return (*[unsafe.Sizeof(*s)]byte)(unsafe.Pointer(s))[:]
}

func flockBytes(l *unix.Flock_t) []byte {
	return (*[unsafe.Sizeof(*l)]byte)(unsafe.Pointer(l))[:]
}
