package supervisor

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/child"
	"hotcell/ipc"
	"hotcell/supervisor/host"
)

// raised turns what the model's process says of itself into a cause. The
// kernel's word comes before it.
func (m *Model) raised(e *ipc.Exception) *Cause {
	if cause := m.outOfMemory(); cause != nil {
		return cause
	}
	info := &ErrorInfo{Type: e.Class, Message: e.Message, Traceback: e.Traceback, File: e.File, Line: int(e.Line)}
	switch e.Cause {
	case ipc.CauseNoFunction, ipc.CauseInput:
		cause := setupError(UnmetInput, "%s", e.Message)
		cause.Source = FromModel
		return cause
	case ipc.CauseSyntax:
		cause := setupError(UnmetInput, "%s, line %d: %s: %s", e.File, e.Line, e.Class, e.Message)
		cause.Source, cause.Detail = FromModel, info
		return cause
	case ipc.CauseInvalidResult:
		return &Cause{Verdict: InvalidResult, Source: FromModel, Reason: e.Message}
	case ipc.CauseOutput:
		return &Cause{Verdict: OutputLimit, Source: FromModel, Reason: e.Message + "; raise --max-output if that is wanted"}
	}
	cause := &Cause{Verdict: Exception, Source: FromModel, Detail: info, Reason: e.Class + ": " + firstLine(e.Message)}
	switch e.Cause {
	case ipc.CauseMemory:
		cause.Verdict = MemoryLimit
	case ipc.CauseRecursion:
		cause.Verdict = RecursionLimit
	case ipc.CauseRaised:
		m.threadsRefused(cause)
	}
	return cause
}

// threadsRefused turns an exception into a thread-limit when the kernel did
// refuse the model a thread and that is what the exception says.
func (m *Model) threadsRefused(cause *Cause) {
	usage, err := m.group.Usage()
	if err != nil || usage.PidsLimitHits == 0 || !strings.Contains(cause.Detail.Message, "start new thread") {
		return
	}
	cause.Verdict, cause.Source = ThreadLimit, FromKernel
	cause.Reason = fmt.Sprintf("the kernel refused a thread beyond the limit of %d; raise --threads if that is wanted", m.limits.Threads)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// outOfMemory is the kernel's word that the group hit its memory limit and
// lost a process.
func (m *Model) outOfMemory() *Cause {
	usage, err := m.group.Usage()
	if err != nil || usage.OOMKills == 0 {
		return nil
	}
	return &Cause{Verdict: MemoryLimit, Source: FromKernel,
		Reason: fmt.Sprintf("the kernel ended the model at its memory limit of %d bytes", m.limits.Memory)}
}

// judgeDeath explains a process that ended without a word of ours.
func (m *Model) judgeDeath(status unix.WaitStatus) *Cause {
	if cause := m.outOfMemory(); cause != nil {
		return cause
	}
	cause := &Cause{Verdict: Crash, Source: FromKernel}
	switch {
	case status.Signaled():
		cause.Signal = int(status.Signal())
		cause.Reason = fmt.Sprintf("the model's process died of signal %d (%s)%s", cause.Signal, unix.SignalName(status.Signal()), crashHint(status.Signal()))
	default:
		cause.Reason = fmt.Sprintf("the model's process exited with status %d without a result", status.ExitStatus())
	}
	return cause
}

// crashHint says what a signal mostly means in a process that runs Python.
func crashHint(signal unix.Signal) string {
	switch signal {
	case unix.SIGSEGV, unix.SIGBUS:
		return ": a bug in native code, a write to an input, or recursion in C code that ran out of stack"
	case unix.SIGSYS:
		return ": a system call of a foreign architecture"
	case unix.SIGXCPU:
		return ": it used its CPU time"
	}
	return ""
}

// judgeSilence explains a broken conversation of a process that lives, or
// whose end the template did not tell.
func (m *Model) judgeSilence(err error) *Cause {
	if failure := m.template.failure(); failure != nil {
		return internalError("%v", failure)
	}
	return forged("nothing more: it closed its control socket (%v)", err)
}

// waitBriefly waits for the exit that follows a closed conversation.
func (s *sandbox) waitBriefly() (unix.WaitStatus, bool) {
	select {
	case <-s.fork.exited:
		return unix.WaitStatus(s.fork.status), true
	case <-s.template.dead:
	case <-time.After(2 * time.Second):
	}
	return 0, false
}

// dataSize reads how many bytes RLIMIT_DATA counts of a process now.
func dataSize(pid int) (int64, error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, fmt.Errorf("read sandbox's memory: %w", err)
	}
	kib, err := strconv.ParseInt(strings.TrimSuffix(statusFields(string(status))["VmData"], " kB"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read sandbox's memory: %w", err)
	}
	return kib << 10, nil
}

// stageHint says what to do about a step that failed: what this host does not
// allow, if that can be told.
func stageHint(e *child.StageError) string {
	text := fmt.Sprintf("cannot confine a model: %s", e)
	if e.Stage == "exec" {
		return text + "; is the interpreter readable and executable by everybody?"
	}
	if e.Errno == 0 {
		return text
	}
	if trouble := host.This().Namespaces(e.Stage, unix.Errno(e.Errno)); trouble.What != "" {
		text += "; " + trouble.What
		if trouble.Mend != "" {
			text += " (mend: " + trouble.Mend + ")"
		}
	}
	return text + "; hotcell doctor explains"
}
