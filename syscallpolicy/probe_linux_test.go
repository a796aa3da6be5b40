//go:build amd64

package syscallpolicy

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	seccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"

	"hotcell/internal/require"
)

// The probe is this test binary run again, in a process of its own as no
// filter can be taken off: it puts one thread under a filter, makes the calls
// that it reads from stdin on that thread, and prints what came of them. The
// other threads stay free, and one of them plays the supervisor.

// markerErrno is what the probe's supervisor answers, an error that no kernel
// gives.
const markerErrno = 2748

const (
	probeName  = "syscallpolicy-probe"
	probeCalls = "calls"   // calls from stdin under the filter
	probeINT80 = "int80"   // a foreign call under the filter
	probeBare  = "nothing" // the same without the filter
)

func TestMain(m *testing.M) {
	if os.Args[0] == probeName {
		runtime.LockOSThread() // not the main thread: it stays in /proc after its end
		if err := probe(os.Args[1], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// probeShape is what the probe's filter is made of.
var probeShape = Shape{GrantLow: testLow, GrantHigh: testHigh}

func probe(what string, in io.Reader, out io.Writer) error {
	dieOf(unix.SIGILL)
	dieOf(unix.SIGSEGV)
	if what == probeBare {
		foreignGetpid()()
		return nil
	}
	program, err := probeShape.Compile()
	if err != nil {
		return err
	}
	calls, err := readCalls(in)
	if err != nil {
		return err
	}
	t := newThread()
	go t.run(what, program, calls)
	return t.report(out)
}

// call is one line of the probe's input.
type call struct {
	nr   uint32
	args [6]uint64
}

func (c call) String() string {
	return fmt.Sprintf("%d %d %d %d %d %d %d", c.nr, c.args[0], c.args[1], c.args[2], c.args[3], c.args[4], c.args[5])
}

func readCalls(in io.Reader) ([]call, error) {
	var calls []call
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var c call
		a := &c.args
		if _, err := fmt.Sscan(lines.Text(), &c.nr, &a[0], &a[1], &a[2], &a[3], &a[4], &a[5]); err != nil {
			return nil, fmt.Errorf("%q: %w", lines.Text(), err)
		}
		calls = append(calls, c)
	}
	return calls, lines.Err()
}

// thread is the probe's filtered thread, seen from the others.
type thread struct {
	tid     chan int
	results chan string
	busy    atomic.Int64 // since when the current call runs, in Unix nanoseconds
}

func newThread() *thread { return &thread{tid: make(chan int, 1), results: make(chan string)} }

func (t *thread) run(what string, p Program, calls []call) {
	runtime.LockOSThread()
	t.tid <- unix.Gettid()
	foreign := foreignGetpid()
	listener, err := install(p)
	if err != nil {
		t.results <- err.Error()
		return
	}
	asked := make(chan int32, 1)
	go supervise(listener, asked)
	if what == probeINT80 {
		foreign()
	}
	for _, c := range calls {
		t.busy.Store(time.Now().UnixNano())
		_, _, errno := unix.Syscall6(uintptr(c.nr), uintptr(c.args[0]), uintptr(c.args[1]), uintptr(c.args[2]),
			uintptr(c.args[3]), uintptr(c.args[4]), uintptr(c.args[5]))
		t.busy.Store(0)
		t.results <- outcome(c, errno, asked)
	}
	close(t.results)
}

// outcome names a result, and checks that an asked call is the one that the
// supervisor saw.
func outcome(c call, errno unix.Errno, asked chan int32) string {
	var last int32 = -1
	for len(asked) > 0 {
		last = <-asked
	}
	switch {
	case errno == 0:
		return "ok"
	case errno != markerErrno:
		return unix.ErrnoName(errno)
	case last != int32(c.nr):
		return fmt.Sprintf("supervisor saw %d", last)
	}
	return "ask"
}

// supervise answers every question with markerErrno.
func supervise(listener int, asked chan int32) {
	for {
		req, err := seccomp.NotifReceive(seccomp.ScmpFd(listener))
		if err != nil {
			continue // ENOENT: a signal withdrew the question
		}
		select {
		case <-asked: // an earlier one of the Go runtime's own
		default:
		}
		asked <- int32(req.Data.Syscall)
		_ = seccomp.NotifRespond(seccomp.ScmpFd(listener), &seccomp.ScmpNotifResp{ID: req.ID, Error: markerErrno})
	}
}

// report prints the results in order. A call that blocks is interrupted by a
// signal; a call that ended the thread is "gone".
func (t *thread) report(out io.Writer) error {
	tid := <-t.tid
	for {
		select {
		case r, ok := <-t.results:
			if !ok {
				return nil
			}
			fmt.Fprintln(out, r)
		case <-time.After(20 * time.Millisecond):
			if _, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", tid)); err != nil {
				fmt.Fprintln(out, "gone")
				return nil
			}
			if since := t.busy.Load(); since != 0 {
				_ = unix.Tgkill(os.Getpid(), tid, unix.SIGURG) // the Go runtime ignores one it did not send
			}
		}
	}
}

// requireKernel skips on a kernel below the floor, the one reason to skip.
func requireKernel(t *testing.T) {
	t.Helper()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	release := unix.ByteSliceToString(u.Release[:])
	var major, minor int
	if _, err := fmt.Sscanf(strings.ReplaceAll(release, ".", " "), "%d %d", &major, &minor); err != nil {
		t.Fatalf("kernel release %q: %v", release, err)
	}
	if major < 5 || major == 5 && minor < 14 {
		require.Skipf(t, "kernel %s is below the floor of 5.14", release)
	}
}
