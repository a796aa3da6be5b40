//go:build linux && amd64

package syscallpolicy

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// install puts the calling thread, and only it, under the filter p, and gives
// the descriptor on which its questions arrive.
func install(p Program) (listener int, err error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return -1, fmt.Errorf("prctl(PR_SET_NO_NEW_PRIVS): %w", err)
	}
	code := p.Bytes()
	prog := unix.SockFprog{Len: uint16(p.Len()), Filter: (*unix.SockFilter)(unsafe.Pointer(&code[0]))}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER,
		uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return -1, fmt.Errorf("seccomp(SECCOMP_SET_MODE_FILTER): %w", errno)
	}
	return int(fd), nil
}

// foreignGetpid gives a function that makes the 32-bit getpid, by int 0x80,
// from this 64-bit process. Only machine code can, and it must be mapped
// while that is still allowed.
func foreignGetpid() func() {
	code, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		panic(err)
	}
	copy(code, []byte{0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xc3}) // mov eax, 20; int 0x80; ret
	entry := new(*byte)
	*entry = &code[0]
	return *(*func())(unsafe.Pointer(&entry))
}

// dieOf lets the kernel end the process with the signal. The Go runtime would
// stop all goroutines to report it, the probe's supervisor too, and then wait
// for ever in a call that is asked.
func dieOf(signal unix.Signal) {
	var byDefault struct{ handler, flags, restorer, mask uint64 }
	_, _, errno := unix.Syscall6(unix.SYS_RT_SIGACTION, uintptr(signal), uintptr(unsafe.Pointer(&byDefault)), 0,
		unsafe.Sizeof(byDefault.mask), 0, 0)
	if errno != 0 {
		panic(errno)
	}
}
