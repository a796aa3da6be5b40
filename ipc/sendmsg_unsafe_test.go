package ipc

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sendmsg writes a datagram as it is. unix.Sendmsg would put a byte into an
// empty one that carries descriptors; a hostile peer need not.
func sendmsg(fd int, datagram, rights []byte) error {
	var part unix.Iovec
	header := unix.Msghdr{Iov: &part}
	header.SetIovlen(1)
	if len(datagram) > 0 {
		part.Base = &datagram[0]
		part.SetLen(len(datagram))
	}
	if len(rights) > 0 {
		header.Control = &rights[0]
		header.SetControllen(len(rights))
	}
	_, _, errno := unix.Syscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&header)), unix.MSG_NOSIGNAL)
	runtime.KeepAlive(datagram)
	runtime.KeepAlive(rights)
	if errno != 0 {
		return errno
	}
	return nil
}
