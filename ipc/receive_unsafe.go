package ipc

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// header is what recvmsg(2) takes. It is kept with its buffers: x/sys makes
// fresh memory for each call, for a sender's address that nobody wants.
type header struct {
	message unix.Msghdr
	vector  unix.Iovec
}

// receive takes one datagram into b; with rights, the descriptors that it
// brings too. Without, the kernel drops them and flags has MSG_CTRUNC. MSG_TRUNC
// in flags says that the datagram was longer than b.in.
func (b *buffers) receive(fd int, rights bool, how int) (n, oobn, flags int, err error) {
	b.vector.Base = &b.in[0]
	b.vector.SetLen(len(b.in))
	b.message = unix.Msghdr{Iov: &b.vector}
	b.message.SetIovlen(1)
	if rights {
		b.message.Control = &b.oob[0]
		b.message.SetControllen(len(b.oob))
	}
	how |= unix.MSG_CMSG_CLOEXEC
	for {
		r, _, errno := unix.Syscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.message)), uintptr(how))
		runtime.KeepAlive(b)
		switch errno {
		case 0:
			return int(r), int(b.message.Controllen), int(b.message.Flags), nil
		case unix.EINTR:
		default:
			return 0, 0, 0, errno
		}
	}
}
