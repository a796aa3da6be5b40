package doctor

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// What the kernel is shown by address lies in variables of the package: they
// never move.
var (
	actionNotify uint32 = unix.SECCOMP_RET_USER_NOTIF
	actionKill   uint32 = unix.SECCOMP_RET_KILL_PROCESS
	secret       uint64 = 0x486f7463656c6c21
)

func addressOfNotify() uintptr { return uintptr(unsafe.Pointer(&actionNotify)) }
func addressOfKill() uintptr   { return uintptr(unsafe.Pointer(&actionKill)) }
func addressOfSecret() uintptr { return uintptr(unsafe.Pointer(&secret)) }

// installFilter puts a filter on this thread alone and returns its listener.
func installFilter(filter []unix.SockFilter, flags uintptr) (int, error) {
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// notification is struct seccomp_notif.
type notification struct {
	ID         uint64
	PID, Flags uint32
	NR         int32
	Arch       uint32
	IP         uint64
	Args       [6]uint64
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
	ID                         uint64
	Flags, Source, Target, New uint32
}

// The ioctls of a listener that package unix has no names for.
const (
	ioctlAddFD    = 0x40182103
	ioctlSetFlags = 0x40082104
)

func receive(listener int, n *notification) error {
	return ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(n))
}

func respond(listener int, r *response) error {
	return ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(r))
}

func inject(listener int, i *injection) error {
	return ioctl(listener, ioctlAddFD, unsafe.Pointer(i))
}

func setFlags(listener int, flags uint64) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), ioctlSetFlags, uintptr(flags))
	if errno != 0 {
		return errno
	}
	return nil
}

func ioctl(fd int, request uintptr, argument unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(argument))
	if errno != 0 {
		return errno
	}
	return nil
}
