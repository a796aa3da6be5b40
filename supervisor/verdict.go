package supervisor

import "fmt"

// Verdict says how a model's run ended. The set is closed.
type Verdict string

// The verdicts.
const (
	OK              Verdict = "ok"
	Exception       Verdict = "exception"        // the model raised, sys.exit too
	InvalidResult   Verdict = "invalid-result"   // what it returned cannot cross
	PolicyViolation Verdict = "policy-violation" // a rule says kill
	MemoryLimit     Verdict = "memory-limit"
	WallTimeLimit   Verdict = "wall-time-limit"
	CPUTimeLimit    Verdict = "cpu-time-limit"
	ThreadLimit     Verdict = "thread-limit"
	RecursionLimit  Verdict = "recursion-limit"
	OutputLimit     Verdict = "output-limit"
	OperationLimit  Verdict = "operation-limit"
	Crash           Verdict = "crash" // a signal, or an exit that nobody asked for
	Cancelled       Verdict = "cancelled"
	SetupError      Verdict = "setup-error"    // the model never ran
	InternalError   Verdict = "internal-error" // Hotcell's own failure
)

// Source says whose word a verdict is. The model's own word never hides the
// others'.
type Source string

// The sources.
const (
	FromKernel     Source = "kernel"
	FromSupervisor Source = "supervisor"
	FromModel      Source = "model"
)

// Cause is why a run ended: one line for a person, and what programs need.
type Cause struct {
	Verdict Verdict
	Source  Source
	Reason  string
	Signal  int        // Crash by a signal
	Detail  *ErrorInfo // what the model raised
	Unmet   Unmet      // SetupError: whose fault
}

// Unmet tells a setup-error of the user's making from one of the host's.
type Unmet uint8

// What was not met.
const (
	UnmetNothing Unmet = iota
	UnmetInput         // a model or an input that cannot be used
	UnmetHost          // the host lacks something: namespaces, control groups, an interpreter
	UnmetPlace         // there are as many models as there may be, see ErrFull
)

// Error makes a Cause usable as an error.
func (c *Cause) Error() string { return fmt.Sprintf("%s: %s", c.Verdict, c.Reason) }

// Is makes errors.Is(cause, ErrFull) tell a launch that may be tried again.
func (c *Cause) Is(target error) bool { return target == ErrFull && c.Unmet == UnmetPlace }

// ErrorInfo is an exception as the model's process described it: hostile
// text, bounded.
type ErrorInfo struct {
	Type      string `json:"type"`
	Message   string `json:"message"`
	Traceback string `json:"traceback"`
	File      string `json:"file,omitempty"`
	Line      int    `json:"line"`
}

func setupError(unmet Unmet, format string, args ...any) *Cause {
	return &Cause{Verdict: SetupError, Source: FromSupervisor, Unmet: unmet, Reason: fmt.Sprintf(format, args...)}
}

func internalError(format string, args ...any) *Cause {
	return &Cause{Verdict: InternalError, Source: FromSupervisor, Reason: fmt.Sprintf(format, args...)}
}
