package supervisor

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestQueue(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for _, test := range []struct {
		name  string
		opts  QueueOptions
		taken int
		ctx   context.Context
		want  error
	}{
		{"no bound", QueueOptions{}, 100, context.Background(), nil},
		{"a place", QueueOptions{Models: 2}, 1, context.Background(), nil},
		{"no place, nobody may wait", QueueOptions{Models: 2}, 2, context.Background(), ErrFull},
		{"no place in time", QueueOptions{Models: 1, Waiting: 1, Timeout: time.Millisecond}, 1, context.Background(), ErrFull},
		{"given up", QueueOptions{Models: 1, Waiting: 1}, 1, ended, context.Canceled},
	} {
		q := newQueue(test.opts)
		for range test.taken {
			if err := q.enter(context.Background()); err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
		}
		if err := q.enter(test.ctx); !errors.Is(err, test.want) {
			t.Errorf("%s: enter = %v; want %v", test.name, err, test.want)
		}
	}
}

// Who waits gets a place as soon as one comes free.
func TestQueueWaits(t *testing.T) {
	q := newQueue(QueueOptions{Models: 1, Waiting: 1, Timeout: time.Minute})
	if err := q.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	entered := make(chan error)
	go func() { entered <- q.enter(t.Context()) }()
	for q.waiting.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := q.enter(t.Context()); !errors.Is(err, ErrFull) {
		t.Errorf("one more than may wait: %v; want ErrFull", err)
	}
	q.leave()
	if err := <-entered; err != nil {
		t.Errorf("after a place came free: %v", err)
	}
}

// A supervisor that is full says so, and takes the next launch when a model has
// ended.
func TestLaunchWhenFull(t *testing.T) {
	s := pooled(t, Options{Queue: QueueOptions{Models: 1}}, PoolOptions{})
	spec := testSpec(t, "def model():\n    return 'here'\n")
	m := launchFrom(t, s, spec)
	_, err := s.Launch(t.Context(), spec)
	if cause, ok := errors.AsType[*Cause](err); !errors.Is(err, ErrFull) || !ok || cause.Verdict != SetupError {
		t.Errorf("a launch beyond the bound: %v; want ErrFull", err)
	}
	m.Close()
	launchFrom(t, s, spec).Close()
}
