package supervisor

import "sync/atomic"

// slot is a place among few that a notifier may hold: on a processor of Go's,
// or in a call that blocks. It is given back once, by whoever comes first: the
// notifier, or a decision that will take long.
type slot struct {
	among chan struct{}
	held  atomic.Bool
}

// take does not wait.
func (s *slot) take() bool {
	select {
	case s.among <- struct{}{}:
		s.held.Store(true)
		return true
	default:
		return false
	}
}

func (s *slot) give() {
	if s.held.CompareAndSwap(true, false) {
		<-s.among
	}
}
