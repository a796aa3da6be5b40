package supervisor

import (
	"time"

	"golang.org/x/sys/unix"
)

// work measures what this thread does, by the thread's own CPU clock: on a
// busy machine most of the time that passes is not the sandbox's to pay.
type work struct{ before time.Duration }

func startWork() work { return work{threadTime()} }

// charge puts what was done since the last time on the budget.
func (w *work) charge(b *budget) time.Duration {
	now := threadTime()
	done := now - w.before
	w.before = now
	return b.charge(done, time.Now())
}

// threadTime is the calling thread's CPU time, user and system.
func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
