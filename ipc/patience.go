package ipc

import (
	"runtime"
	"time"
)

// patience says when it is worth looking for an answer again and again before
// the thread sleeps. To be woken costs more than all else of a short call, so a
// pair that calls and answers at such a pace is twice as fast that way. A look
// in vain takes a processor from somebody, perhaps from the one that is to
// answer: it is then left out for a while, ever longer.
type patience struct {
	left, penalty int
}

const (
	lookFor     = 40 * time.Microsecond
	mostPenalty = 256 // calls that a failure leaves out
)

// looking bounds who looks at a time: half of the processors stay for those
// who are to answer, and one has to be left.
var looking = make(chan struct{}, runtime.NumCPU()/2)

// begin tells whether to look now; end then follows.
func (p *patience) begin() bool {
	if p.left > 0 {
		p.left--
		return false
	}
	select {
	case looking <- struct{}{}:
		return true
	default:
		return false
	}
}

func (p *patience) end(found bool) {
	<-looking
	if found {
		p.penalty = 1
		return
	}
	p.penalty = min(2*max(p.penalty, 1), mostPenalty)
	p.left = p.penalty
}
