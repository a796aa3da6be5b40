package supervisor

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// QueueOptions bound how many models a supervisor has at a time, and how many
// launches may wait for a place. The zero value bounds nothing.
type QueueOptions struct {
	Models  int           // at most, running and being launched; 0 for no bound
	Waiting int           // launches that may wait for a place, 0 for none
	Timeout time.Duration // how long one waits, 5 s when 0
}

// ErrFull says that there are as many models as there may be, and no place came
// free in time. A launch's *Cause is this error too, by errors.Is; the launch
// may be tried again.
var ErrFull = errors.New("there are as many models as there may be")

// queue lets in so many at a time, in the order in which they came.
type queue struct {
	options QueueOptions
	places  chan struct{} // nil without a bound
	waiting atomic.Int64
}

const queueTimeout = 5 * time.Second

func newQueue(opts QueueOptions) *queue {
	q := &queue{options: opts}
	if opts.Models > 0 {
		q.places = make(chan struct{}, opts.Models)
	}
	if q.options.Timeout <= 0 {
		q.options.Timeout = queueTimeout
	}
	return q
}

// enter takes a place, which leave gives back.
func (q *queue) enter(ctx context.Context) error {
	if q.places == nil {
		return nil
	}
	select {
	case q.places <- struct{}{}:
		return nil
	default:
	}
	defer q.waiting.Add(-1)
	if q.waiting.Add(1) > int64(q.options.Waiting) {
		return full("%d models are there and %d launches wait", q.options.Models, q.options.Waiting)
	}
	timeout := time.NewTimer(q.options.Timeout)
	defer timeout.Stop()
	select {
	case q.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timeout.C:
		return full("%d models are there, and none ended within %v", q.options.Models, q.options.Timeout)
	}
}

func (q *queue) leave() {
	if q.places != nil {
		<-q.places
	}
}

func full(format string, args ...any) *Cause {
	return &Cause{Verdict: SetupError, Source: FromSupervisor, Unmet: UnmetPlace,
		Reason: "busy: " + fmt.Sprintf(format, args...) + "; try again later"}
}
