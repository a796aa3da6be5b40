package supervisor

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/child"
	"hotcell/ipc"
	"hotcell/supervisor/host"
	"hotcell/syscallpolicy"
)

// raised turns what the model's process says of itself into a cause. The
// kernel's word comes before it.
func (m *Model) raised(e *ipc.Exception) *Cause {
	if cause := m.killedForMemory(); cause != nil {
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
	cause := &Cause{Verdict: Exception, Source: FromModel, Detail: info, Reason: firstLine(e.Class) + ": " + firstLine(e.Message)}
	switch e.Cause {
	case ipc.CauseMemory:
		cause.Verdict = MemoryLimit
		// A MemoryError mostly has no text of its own.
		cause.Reason = fmt.Sprintf("%s; the memory limit is %s: raise --memory if more is wanted",
			strings.TrimSuffix(cause.Reason, ": "), syscallpolicy.FormatSize(m.limits.Memory))
	case ipc.CauseRecursion:
		cause.Verdict = RecursionLimit
		cause.Reason += fmt.Sprintf("; the limit is %d: raise --recursion if more is wanted", m.limits.Recursion)
	case ipc.CauseRaised:
		m.threadsRefused(cause)
	}
	return cause
}

// threadsRefused looks behind an exception that says that a thread could not
// be started. The kernel tells whether it refused one; if it did not, there
// was no memory for its stack, as nothing else can be in the way.
func (m *Model) threadsRefused(cause *Cause) {
	usage, err := m.group.Usage()
	if err != nil || cause.Detail.Type != "RuntimeError" || !strings.Contains(cause.Detail.Message, "start new thread") {
		return
	}
	if usage.PidsLimitHits == 0 && !m.roomForStack() {
		cause.Verdict = MemoryLimit
		cause.Reason += fmt.Sprintf(": its stack does not fit within the memory limit of %s; lower threading.stack_size() or raise --memory",
			syscallpolicy.FormatSize(m.limits.Memory))
		return
	}
	cause.Verdict, cause.Source = ThreadLimit, FromKernel
	cause.Reason = fmt.Sprintf("the kernel refused a thread beyond the limit of %d; raise --threads if that is wanted", m.limits.Threads)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// killedForMemory is the kernel's word that the group hit its memory limit and
// lost a process, nil if it did not.
func (m *Model) killedForMemory() *Cause {
	usage, err := m.group.Usage()
	if err != nil || usage.OOMKills == 0 {
		return nil
	}
	return m.outOfMemory()
}

// outOfMemory is the verdict of a model that the kernel ended for its memory.
func (m *Model) outOfMemory() *Cause {
	return &Cause{Verdict: MemoryLimit, Source: FromKernel,
		Reason: fmt.Sprintf("the kernel ended the model at its memory limit of %s; raise --memory if more is wanted",
			syscallpolicy.FormatSize(m.limits.Memory))}
}

// outOfCPUTime is the kernel's own end of a model that used its CPU time, by
// RLIMIT_CPU: nobody else in its namespaces can send that signal.
func (m *Model) outOfCPUTime(status unix.WaitStatus) *Cause {
	if !status.Signaled() || status.Signal() != unix.SIGKILL && status.Signal() != unix.SIGXCPU {
		return nil
	}
	used, err := m.group.CPUTime()
	if err != nil || used < m.limits.CPUTime {
		return nil
	}
	return m.usedCPUTime()
}

// usedCPUTime is the verdict of a model that used its CPU time.
func (m *Model) usedCPUTime() *Cause {
	return &Cause{Verdict: CPUTimeLimit, Source: FromKernel, Reason: fmt.Sprintf("the model used its CPU time of %v", m.limits.CPUTime)}
}

// judgeDeath explains a process that ended without a word of ours.
func (m *Model) judgeDeath(status unix.WaitStatus) *Cause {
	if cause := m.killedForMemory(); cause != nil {
		return cause
	}
	if cause := m.outOfCPUTime(status); cause != nil {
		return cause
	}
	if status.Signaled() {
		return died(status.Signal())
	}
	return &Cause{Verdict: Crash, Source: FromKernel,
		Reason: fmt.Sprintf("the model's process exited with status %d without a result", status.ExitStatus())}
}

// crashHint says what a signal mostly means in a process that runs Python.
func crashHint(signal unix.Signal) string {
	switch signal {
	case unix.SIGSEGV, unix.SIGBUS:
		return ": a bug in native code, a write to an input, or recursion in C code that ran out of stack"
	case unix.SIGSYS:
		return ": a system call of a foreign architecture"
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
