package supervisor

import (
	"fmt"
	"runtime"
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
// there. It waits until the sandbox's thread has taken it, which one that is
// frozen or out of processor time does late: Go's scheduler has to know of it.
//
// It is called with signals blocked. One that breaks it off where it answers at
// once (injectSend) has the call answered already, with 0 and without the
// descriptor: the sandbox would take its descriptor 0 for the file.
func inject(fd uintptr, i *injection) (int, error) {
	n, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, ioctlNotifyAddFD, uintptr(unsafe.Pointer(i)))
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}

// lockThread has the goroutine run on one thread and that without signals, which
// Go sends all the time, until the function that it gives is called. Faults
// still come: a panic must be one.
func lockThread() (unlock func(), err error) {
	runtime.LockOSThread()
	blocked, before := ^uint64(0), uint64(0)
	for _, fault := range []unix.Signal{unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGTRAP} {
		blocked &^= 1 << (fault - 1)
	}
	if err := signalMask(&blocked, &before); err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	return func() {
		// One that cannot be given back is not used again: a goroutine that
		// ends locked takes its thread with it.
		if signalMask(&before, nil) == nil {
			runtime.UnlockOSThread()
		}
	}, nil
}

// signalMask sets this thread's blocked signals.
func signalMask(now, before *uint64) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK,
		uintptr(unsafe.Pointer(now)), uintptr(unsafe.Pointer(before)), unsafe.Sizeof(*now), 0, 0)
	if errno != 0 {
		return fmt.Errorf("rt_sigprocmask: %w", errno)
	}
	return nil
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
