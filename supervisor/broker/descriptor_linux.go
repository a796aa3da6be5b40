package broker

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// Descriptor is a file descriptor of the supervisor, owned by whoever holds
// it and closed once. It is no *os.File: making one asks the kernel for the
// file's flags and offers it to the poller, on a path of five system calls.
type Descriptor int

const none Descriptor = -1

// Close gives the descriptor up. There is no error that anyone could act on.
func (d Descriptor) Close() {
	if d >= 0 {
		unix.Close(int(d))
	}
}

func (d Descriptor) stat(s *unix.Stat_t) unix.Errno { return errnoOf(unix.Fstat(int(d), s)) }

// errnoOf takes the errno out of an error of x/sys, which gives nothing else.
func errnoOf(err error) unix.Errno {
	if err == nil {
		return 0
	}
	if errno, ok := err.(unix.Errno); ok {
		return errno
	}
	return unix.EIO
}

// appendNumber writes a descriptor's name in /proc/self/fd, with a NUL.
func (d Descriptor) appendNumber(b []byte) []byte {
	return append(strconv.AppendUint(b, uint64(d), 10), 0)
}

// reopenFlags are added to every open of a file that a sandbox named. The
// types that could block or act on an open were sorted out before; what is
// left is a lease, for which a blocking open waits up to a minute.
const reopenFlags = unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC

// reopen opens the very object behind an O_PATH descriptor, whatever its name
// means by now.
func (b *Broker) reopen(d Descriptor, flags int) (Descriptor, unix.Errno) {
	var number [16]byte
	return openMagic(b.procfd, d.appendNumber(number[:0]), flags|reopenFlags)
}

// hostPath is the path by which the kernel knows an open file, as this
// process would name it.
func (b *Broker) hostPath(d Descriptor) (string, unix.Errno) {
	var buf [maxPath]byte
	n, err := unix.Readlinkat(int(b.procfd), strconv.Itoa(int(d)), buf[:])
	if err != nil {
		return "", errnoOf(err)
	}
	if n == len(buf) {
		return "", unix.ENAMETOOLONG
	}
	return string(buf[:n]), 0
}
