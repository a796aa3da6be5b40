package supervisor

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel's structures of seccomp_unotify(2), and its ioctl numbers.
const (
	ioctlNotifyReceive = 0xc0502100
	ioctlNotifySend    = 0xc0182101
	ioctlNotifyValid   = 0x40082102
	ioctlNotifyAddFD   = 0x40182103
	ioctlNotifyFlags   = 0x40082104

	notifySyncWakeUp = 1 // flag of the listener
	notifyContinue   = 1 // flag of a response
)

// notification is struct seccomp_notif.
type notification struct {
	ID    uint64
	PID   uint32 // the thread, in our PID namespace
	Flags uint32
	NR    int32
	Arch  uint32
	IP    uint64
	Args  [6]uint64
}

// response is struct seccomp_notif_resp.
type response struct {
	ID    uint64
	Value int64
	Error int32
	Flags uint32
}

// injection is struct seccomp_notif_addfd.
type injection struct {
	ID       uint64
	Flags    uint32
	Source   uint32
	Target   uint32
	NewFlags uint32
}

// Flags of an injection.
const (
	injectAt   = 1 // SECCOMP_ADDFD_FLAG_SETFD
	injectSend = 2 // SECCOMP_ADDFD_FLAG_SEND
)

// inject gives the sandbox a copy of a descriptor; the result is its number
// there. Like an answer it never waits, so Go's scheduler need not know of it.
func inject(fd uintptr, i *injection) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_IOCTL, fd, ioctlNotifyAddFD, uintptr(unsafe.Pointer(i)))
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return -1, errno
		}
	}
}

// receiveNotification blocks when nothing is pending: poll first. The kernel
// wants the structure zeroed.
func receiveNotification(fd uintptr, n *notification) error {
	*n = notification{}
	return ioctlPointer(fd, ioctlNotifyReceive, unsafe.Pointer(n))
}

// wakeOnSameCPU makes the kernel hand over between sandbox and supervisor on
// one processor. Waking an idle one costs tens of microseconds on a virtual
// machine. Kernels before 6.6 do not have it.
func wakeOnSameCPU(fd uintptr) {
	unix.Syscall(unix.SYS_IOCTL, fd, ioctlNotifyFlags, notifySyncWakeUp)
}

func sendResponse(fd uintptr, r *response) error {
	for {
		_, _, errno := unix.RawSyscall(unix.SYS_IOCTL, fd, ioctlNotifySend, uintptr(unsafe.Pointer(r)))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return errno
		}
	}
}

// notificationValid says whether the thread still waits for this answer. What
// was read from its memory before counts only if this is true after.
func notificationValid(fd uintptr, id uint64) bool {
	return ioctlPointer(fd, ioctlNotifyValid, unsafe.Pointer(&id)) == nil
}

func ioctlPointer(fd, request uintptr, p unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(p))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return errno
		}
	}
}
