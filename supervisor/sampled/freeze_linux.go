package sampled

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/supervisor/cgroup"
)

// freezeLimit bounds Freeze when its context does not.
const freezeLimit = 5 * time.Second

// stillFor is how long nothing may have moved for a process to count as
// stopped though a thread of it waits in the kernel.
const stillFor = time.Millisecond

// Freeze stops every thread of the process and returns when none runs user
// code any more. A thread that waits inside the kernel stops before it returns
// from there.
func (g *Group) Freeze(ctx context.Context) error {
	if g.tree.has("freezer") {
		return g.inner.Freeze(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, freezeLimit)
	defer cancel()
	err := g.signal(unix.SIGSTOP)
	if err == nil {
		err = g.settle(ctx)
	}
	if err != nil {
		return fmt.Errorf("freeze group %s: %w", g.name, errors.Join(err, g.Thaw()))
	}
	return nil
}

// Thaw lets the process go on.
func (g *Group) Thaw() error {
	if g.tree.has("freezer") {
		return g.inner.Thaw()
	}
	if err := g.signal(unix.SIGCONT); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("thaw group %s: %w", g.name, err)
	}
	return nil
}

func (g *Group) signal(signal unix.Signal) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pid == 0 || g.pidfd < 0 {
		return unix.ESRCH
	}
	return unix.PidfdSendSignal(g.pidfd, signal, nil, 0)
}

func (g *Group) settle(ctx context.Context) error {
	var last stillness
	for {
		now, err := stillnessOf(g.pid)
		if err != nil {
			return err
		}
		if now.stopped || now.still && now.same(last) {
			return nil
		}
		last = now
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(stillFor):
		}
	}
}

// stillness is one look at the threads of a process that is being stopped.
type stillness struct {
	stopped bool // all of them
	still   bool // none was running or ready to run
	threads []string
	cpu     time.Duration
}

func (s stillness) same(t stillness) bool {
	return t.still && s.cpu == t.cpu && slices.Equal(s.threads, t.threads)
}

func stillnessOf(pid int) (stillness, error) {
	dir := "/proc/" + strconv.Itoa(pid) + "/task"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return stillness{}, fmt.Errorf("look at threads: %w", err)
	}
	s := stillness{stopped: true, still: true}
	for _, e := range entries {
		stat, err := os.ReadFile(dir + "/" + e.Name() + "/stat")
		if err != nil {
			return stillness{}, nil // it ended meanwhile; the next look is another
		}
		state := cgroup.ThreadState(stat)
		s.stopped = s.stopped && state == 'T'
		s.still = s.still && cgroup.Sleeps(state)
		s.threads = append(s.threads, e.Name())
	}
	s.cpu, err = cpuClock(pid)
	return s, err
}
