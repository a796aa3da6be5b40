//go:build linux

package syscallpolicy

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// poison is an argument that no allowed call does anything with: not a user
// address, not aligned, and as an int negative.
const poison = 0xdead_beef_dead_0001

var poisoned = args(poison, poison, poison, poison, poison, poison)

// runProbe gives the probe's lines and the state it ended in. A probe that
// hangs is an error.
func runProbe(t *testing.T, what string, calls ...call) ([]string, *os.ProcessState) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var in, out, stderr bytes.Buffer
	for _, c := range calls {
		in.WriteString(c.String() + "\n")
	}
	cmd := exec.CommandContext(ctx, exe)
	cmd.Args = []string{probeName, what}
	// The race detector would wait a second for the other threads.
	cmd.Env = append(os.Environ(), "GOMAXPROCS=4", "GORACE=atexit_sleep_ms=0")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &stderr
	var ended *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	if ctx.Err() != nil {
		t.Fatalf("probe(%s, %v) hangs after %q", what, calls, out.String())
	}
	if cmd.ProcessState.ExitCode() == 1 {
		t.Fatalf("probe(%s): %s", what, stderr.String())
	}
	return strings.Fields(out.String()), cmd.ProcessState
}

func diedOf(s *os.ProcessState, signal syscall.Signal) bool {
	w, ok := s.Sys().(syscall.WaitStatus)
	return ok && w.Signaled() && w.Signal() == signal
}

// uretprobe and uprobe are not shown to filters by kernels from 6.14 on.
const uretprobe, uprobe = 335, 336

// apart are the numbers that the sweep leaves to tests of their own.
var apart = map[uint32]bool{unix.SYS_EXIT: true, unix.SYS_EXIT_GROUP: true, uretprobe: true, uprobe: true,
	// Made with anything but a signal's frame it wrecks the thread. It is made
	// rightly when the signal that interrupts pause has been handled.
	unix.SYS_RT_SIGRETURN: true}

// TestKernelSweep makes every call there is, and more, with poison: the kernel
// must do with each what the filter says.
func TestKernelSweep(t *testing.T) {
	requireKernel(t)
	var calls []call
	for nr := uint32(0); nr <= 600; nr++ {
		if !apart[nr] {
			calls = append(calls, call{nr, poisoned})
		}
	}
	checkProbe(t, calls)
}

// TestKernelUprobe: where the filter is not asked about these two, the kernel
// itself lets them do nothing.
func TestKernelUprobe(t *testing.T) {
	requireKernel(t)
	for _, nr := range []uint32{uretprobe, uprobe} {
		results, state := runProbe(t, probeCalls, call{nr, poisoned})
		crashed := len(results) == 0 && diedOf(state, unix.SIGILL)
		if !crashed && (len(results) != 1 || results[0] == "ok") {
			t.Errorf("%s = %q and %v; want a question, an error or a crash", Name(int(nr)), results, state)
		}
	}
}

// TestKernelConditions makes the calls that depend on their arguments.
func TestKernelConditions(t *testing.T) {
	requireKernel(t)
	const join = 9 | 256
	checkProbe(t, []call{
		{unix.SYS_MMAP, args(0, 0, 3, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)},
		{unix.SYS_MMAP, args(0, 4096, 5, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)},
		{unix.SYS_MPROTECT, args(1, 4096, 1)},
		{unix.SYS_MPROTECT, args(1, 4096, 4)},
		{unix.SYS_MREMAP, args(testLow-4096, 4096, 8192, 1)},
		{unix.SYS_MREMAP, args(testLow, 4096, 8192, 1)},
		{unix.SYS_MREMAP, args(testHigh, 4096, 8192, 1)},
		{unix.SYS_MREMAP, args(testLow-4096, 4096, 4096, 3, testLow)},
		{unix.SYS_MADVISE, args(1, 1, garbage|4)},
		{unix.SYS_MADVISE, args(1, 1, garbage|12)},
		{unix.SYS_FUTEX, args(1, 129)},
		{unix.SYS_FUTEX, args(4096, join)},
		{unix.SYS_FUTEX, args(testLow, join)},
		{unix.SYS_FUTEX, args(4096, 1)},
		{unix.SYS_CLONE, args(threadFlags)},
		{unix.SYS_CLONE, args(uint64(unix.SIGCHLD))},
		{unix.SYS_RECVFROM, args(poison, 0, 0, 0)},
		{unix.SYS_RECVFROM, args(poison, 0, 0, garbage|unix.MSG_OOB)},
		{unix.SYS_RECVMSG, args(poison, 0, 0)},
		{unix.SYS_SENDTO, args(poison, 0, 0, 0, 0, 16)},
		{unix.SYS_SENDTO, args(poison, 0, 0, 0, 4096, 16)},
		{unix.SYS_FCNTL, args(poison, garbage|unix.F_GETFD)},
		{unix.SYS_FCNTL, args(poison, unix.F_SETFL)},
		{unix.SYS_IOCTL, args(poison, unix.TCGETS)},
		{unix.SYS_IOCTL, args(poison, garbage|fioclex)},
		{unix.SYS_IOCTL, args(poison, unix.TIOCSTI)},
		{unix.SYS_CLOSE_RANGE, args(2, 1, 0)},
		{unix.SYS_CLOSE_RANGE, args(2, 1, garbage|2)},
		{unix.SYS_PRLIMIT64, args(0, poison, 0, 0)},
		{unix.SYS_PRLIMIT64, args(0, poison, poison, 0)},
		{unix.SYS_PRCTL, args(unix.PR_GET_NAME, poison)},
		{unix.SYS_PRCTL, args(unix.PR_SET_VMA, poison)},
	})
}

// checkProbe compares what the kernel did with what the program says.
func checkProbe(t *testing.T, calls []call) {
	t.Helper()
	results, state := runProbe(t, probeCalls, calls...)
	if len(results) != len(calls) || !state.Success() {
		t.Fatalf("the probe gave %d of %d results and ended with %v; the last was %v", len(results), len(calls), state,
			results[max(0, len(results)-1):])
	}
	p := mustCompile(t, probeShape)
	for i, c := range calls {
		want := actionName(decide(t, p, data{nr: c.nr, arch: archAMD64, args: c.args}))
		if want == "allow" {
			// What the call does with poison is the kernel's affair; a kernel
			// that lacks it says ENOSYS.
			if results[i] == "ask" || strings.HasPrefix(results[i], "supervisor") {
				t.Errorf("%s(%#x) = %s; want no question", Name(int(c.nr)), c.args, results[i])
			}
			continue
		}
		if results[i] != want {
			t.Errorf("%s(%#x) = %s; want %s", Name(int(c.nr)), c.args, results[i], want)
		}
	}
}

func TestKernelExit(t *testing.T) {
	requireKernel(t)
	if results, _ := runProbe(t, probeCalls, call{unix.SYS_EXIT, poisoned}); len(results) != 1 || results[0] != "gone" {
		t.Errorf("exit = %q; want gone", results)
	}
	const code = 77
	if results, state := runProbe(t, probeCalls, call{unix.SYS_EXIT_GROUP, args(code)}); len(results) != 0 || state.ExitCode() != code {
		t.Errorf("exit_group(%d) = %q and %v; want the code", code, results, state)
	}
}

// TestKernelKills proves the kills by processes that die.
func TestKernelKills(t *testing.T) {
	requireKernel(t)
	if _, state := runProbe(t, probeCalls, call{x32Bit | unix.SYS_GETPID, args()}); !diedOf(state, unix.SIGSYS) {
		t.Errorf("x32 getpid ended the probe with %v; want SIGSYS", state)
	}
	// On a kernel without 32-bit calls int 0x80 faults before any filter is
	// asked: then both probes end so.
	want := unix.SIGSYS
	if _, state := runProbe(t, probeBare); !state.Success() {
		if want = unix.SIGSEGV; !diedOf(state, want) {
			t.Fatalf("32-bit getpid ended the probe without a filter with %v; want success or %v", state, want)
		}
	}
	if _, state := runProbe(t, probeINT80); !diedOf(state, want) {
		t.Errorf("32-bit getpid ended the probe with %v; want %v", state, want)
	}
}
