package syscallpolicy

import (
	"fmt"
	"time"
)

// Operation is one thing that a model tried. The supervisor (parent) makes
// it, from a seccomp notification or from a question over the control socket,
// and every field but Time was chosen by the hostile side.
type Operation struct {
	Kind Kind

	// Target is what it is about: the resolved path, the module, the address,
	// the function, the process; for KindSyscall the call's name. It is
	// raw bytes of the model's choosing, not yet fit for a terminal.
	Target string

	// Write says that the operation can change its target. It matters for
	// KindOpen and KindList, where the kind alone does not tell; the kinds
	// that make, remove or move names always write.
	Write bool

	Syscall string    // name of the system call; empty when it was asked over the socket
	Args    [6]uint64 // its arguments as the kernel reported them, pointers not followed
	Thread  int       // the thread that tried it, as the supervisor's PID namespace numbers it
	Time    time.Time // when the supervisor took it up
}

// String gives o for a log line: the target is quoted, so nothing in it can
// reach a terminal as a control sequence.
func (o Operation) String() string {
	if o.Syscall == "" {
		return fmt.Sprintf("%v %+q", o.Kind, o.Target)
	}
	return fmt.Sprintf("%v %+q by %s", o.Kind, o.Target, o.Syscall)
}
