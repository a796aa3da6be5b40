package broker

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// idle is a Caller that costs nothing, so that what is measured is the
// broker.
type idle struct{ memory []byte }

func (c *idle) Read(address uint64, into []byte) error {
	copy(into, c.memory[address:])
	return nil
}

func (c *idle) Write(address uint64, data []byte) error { return nil }
func (c *idle) Valid() bool                             { return true }
func (c *idle) File(fd int) (Descriptor, error)         { return none, unix.EBADF }

func (c *idle) Inject(d Descriptor, closeOnExec bool) (int, error)          { return 3, nil }
func (c *idle) InjectAt(d Descriptor, fd int, closeOnExec bool) error       { return nil }
func (c *idle) decide(o syscallpolicy.Operation) syscallpolicy.Decision     { return allow }
func (c *idle) refuse(o syscallpolicy.Operation) (d syscallpolicy.Decision) { return d }

func benchmark(b *testing.B, decide Decide, nr int, args func(root string) (string, [6]uint64), want unix.Errno) {
	root := tree(b)
	broker := newBroker(b, Options{Decide: decide, Roots: []Root{{Path: root}}})
	path, words := args(root)
	c := &idle{memory: make([]byte, 2*pageSize)}
	copy(c.memory[16:], path)
	call := syscallpolicy.Classify(nr, words)
	b.ReportAllocs()
	for b.Loop() {
		if a := broker.Serve(c, call, words, 1, time.Now()); a.Errno != want {
			b.Fatal(a.Errno)
		}
	}
}

// at is where a benchmark's path lies.
const at = 16

func BenchmarkOpen(b *testing.B) {
	benchmark(b, (*idle)(nil).decide, unix.SYS_OPENAT, func(root string) (string, [6]uint64) {
		return root + "/dir/a", [6]uint64{0xffffff9c, at, unix.O_RDONLY | unix.O_CLOEXEC}
	}, 0)
}

func BenchmarkStat(b *testing.B) {
	benchmark(b, (*idle)(nil).decide, unix.SYS_NEWFSTATAT, func(root string) (string, [6]uint64) {
		return root + "/dir/a", [6]uint64{0xffffff9c, at, 1024}
	}, 0)
}

func BenchmarkOpenLink(b *testing.B) {
	benchmark(b, (*idle)(nil).decide, unix.SYS_OPENAT, func(root string) (string, [6]uint64) {
		return root + "/link", [6]uint64{0xffffff9c, at, unix.O_RDONLY | unix.O_CLOEXEC}
	}, 0)
}

func BenchmarkDeniedOpen(b *testing.B) {
	benchmark(b, (*idle)(nil).refuse, unix.SYS_OPENAT, func(root string) (string, [6]uint64) {
		return "/etc/passwd", [6]uint64{0xffffff9c, at}
	}, unix.EPERM)
}

func BenchmarkDeniedCall(b *testing.B) {
	benchmark(b, (*idle)(nil).refuse, unix.SYS_PTRACE, func(root string) (string, [6]uint64) {
		return "", [6]uint64{}
	}, unix.EPERM)
}

// BenchmarkKernelOpen is the bare pair of calls, for scale.
func BenchmarkKernelOpen(b *testing.B) {
	root := tree(b)
	for b.Loop() {
		fd, err := unix.Open(root+"/dir/a", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			b.Fatal(err)
		}
		unix.Close(fd)
	}
}
