package supervisor

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// selfSignal tells the signal that a sandbox sends to itself: it is PID 1 of a
// namespace with no other process, so its group (0) is itself. The broadcast
// (-1) leaves its sender out. Calls that carry more than numbers
// (rt_sigqueueinfo) are not among them.
func selfSignal(call syscallpolicy.Syscall, args [6]uint64) (unix.Signal, bool) {
	switch call.Name {
	case "kill", "tgkill":
		switch int32(args[0]) {
		case 0, 1:
		case -1:
			return 0, call.Name == "kill" // nobody is there: the kernel says so
		default:
			return 0, false
		}
	case "tkill":
	default:
		return 0, false
	}
	n := call.Signal.Int(args)
	return unix.Signal(n), n >= 0 && n <= 64
}

// ends tells whether a signal that a thread sends to its process ends it: not
// if it is handled, ignored, or blocked for sigwait. The
// kernel would not say so: it protects PID 1 of a namespace from signals that
// it does not handle, so os.abort() would show as a segmentation fault and
// SIGKILL as nothing at all.
func ends(thread int, signal unix.Signal) (bool, error) {
	if signal == 0 || !deadly(signal) {
		return false, nil
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(thread) + "/status")
	if err != nil {
		return false, fmt.Errorf("read signal handlers: %w", err)
	}
	fields := statusFields(string(status))
	for _, set := range []string{"SigCgt", "SigIgn", "SigBlk"} {
		mask, err := strconv.ParseUint(fields[set], 16, 64)
		if err != nil {
			return false, fmt.Errorf("read signal handlers: %w", err)
		}
		if mask&(1<<(signal-1)) != 0 {
			return false, nil
		}
	}
	return true, nil
}

// deadly tells the signals whose default is the end of the process.
func deadly(signal unix.Signal) bool {
	switch signal {
	case unix.SIGCHLD, unix.SIGURG, unix.SIGWINCH, unix.SIGCONT, unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		return false
	}
	return true
}

// ownSignals are those that a sandbox sent itself and handled.
type ownSignals uint64

func (o *ownSignals) add(signal unix.Signal) {
	if signal > 0 {
		*o |= 1 << (signal - 1)
	}
}

// cause is the end by a signal that a sandbox's process sends itself and does
// not handle. The interpreter handles those of faults: it tells on which line
// of Python it was and sends the same signal to its default, so the first such
// signal was the kernel's.
func (o ownSignals) cause(signal unix.Signal, pid int) *Cause {
	if !fault(signal) || o&(1<<(signal-1)) != 0 {
		return signalled(signal)
	}
	if signal == unix.SIGSEGV && stackFull(pid) {
		return &Cause{Verdict: RecursionLimit, Source: FromKernel,
			Reason: fmt.Sprintf("recursion in native code used up the stack of %s", syscallpolicy.FormatSize(stackSize))}
	}
	return died(signal)
}

// fault tells the signals that the kernel sends for what an instruction did.
func fault(signal unix.Signal) bool {
	switch signal {
	case unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGILL:
		return true
	}
	return false
}

// stackFull tells whether the first thread's stack, which the kernel grows as
// it is used, has grown to its limit. A call's own variables may want more than
// what was left of it.
func stackFull(pid int) bool {
	var limit unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_STACK, nil, &limit); err != nil {
		return false
	}
	size, err := sizeOf(pid)
	return err == nil && size.stack >= limit.Cur/8*7
}

// died is the end by a signal of the kernel's.
func died(signal unix.Signal) *Cause {
	return &Cause{Verdict: Crash, Source: FromKernel, Signal: int(signal),
		Reason: fmt.Sprintf("the model's process died of signal %d (%s)%s", int(signal), unix.SignalName(signal), crashHint(signal))}
}

// signalled is the end by a model's own signal.
func signalled(signal unix.Signal) *Cause {
	return &Cause{Verdict: Crash, Source: FromSupervisor, Signal: int(signal),
		Reason: fmt.Sprintf("the model's process sent itself signal %d (%s)", int(signal), unix.SignalName(signal))}
}
