package broker

import (
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernelCall makes the system call in this process: what the kernel itself
// says to it.
func kernelCall(t testing.TB, nr int, args ...any) (int64, unix.Errno) {
	t.Helper()
	var pin runtime.Pinner
	defer pin.Unpin()
	var words [6]uintptr
	for i, arg := range args {
		switch arg := arg.(type) {
		case int:
			words[i] = uintptr(arg)
		case uint64:
			words[i] = uintptr(arg)
		case string:
			b := append([]byte(arg), 0)
			pin.Pin(&b[0])
			words[i] = uintptr(unsafe.Pointer(&b[0]))
		case []byte:
			pin.Pin(&arg[0])
			words[i] = uintptr(unsafe.Pointer(&arg[0]))
		default:
			t.Fatalf("argument %d: a %T", i, arg)
		}
	}
	v, _, errno := unix.Syscall6(uintptr(nr), words[0], words[1], words[2], words[3], words[4], words[5])
	// A walk that the kernel has to begin anew goes on counting its links, so
	// that 40 of them can be too many.
	for try := 0; errno == unix.ELOOP && try < 3; try++ {
		v, _, errno = unix.Syscall6(uintptr(nr), words[0], words[1], words[2], words[3], words[4], words[5])
	}
	if errno != 0 {
		return 0, errno
	}
	return int64(v), 0
}

func statOf(b []byte) *unix.Stat_t { return (*unix.Stat_t)(unsafe.Pointer(&b[0])) }

func statxOf(b []byte) *unix.Statx_t { return (*unix.Statx_t)(unsafe.Pointer(&b[0])) }

const (
	sizeofStat  = int(unsafe.Sizeof(unix.Stat_t{}))
	sizeofStatx = int(unsafe.Sizeof(unix.Statx_t{}))
)

func openHowBytes(how unix.OpenHow, more ...byte) []byte {
	return append((*[unix.SizeofOpenHow]byte)(unsafe.Pointer(&how))[:], more...)
}
