package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hotcell/supervisor"
	"hotcell/syscallpolicy"
)

// launchBench compares launches of a numpy model, to its first result, with
// bare forks of a Python that has numpy.
type launchBench struct {
	options options
	work    *workshop
	table   table
}

func launch(ctx context.Context, o options) error {
	w, err := newWorkshop()
	if err != nil {
		return err
	}
	defer w.close()
	b := &launchBench{options: o, work: w}
	if _, err = w.put("models/forks.py"); err != nil {
		return err
	}
	if o.soak > 0 {
		return b.soak(ctx, o.soak)
	}
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{{"latency", b.latency}, {"sustained", b.sustained}, {"processes", b.processes}, {"memory", b.memory}, {"independence", b.independence}} {
		if o.part != "" && !slices.Contains(strings.Split(o.part, ","), part.name) {
			continue
		}
		if err := part.run(ctx); err != nil {
			return err
		}
	}
	b.table.print()
	if o.chart != "" {
		return b.table.chart(o.chart)
	}
	return nil
}

// open starts a supervisor with a pool.
func (b *launchBench) open(ctx context.Context, pool supervisor.PoolOptions) (*launcher, error) {
	h, err := openHostWith(ctx, b.options.python, supervisor.Options{Pool: &pool})
	if err != nil {
		return nil, err
	}
	spec, err := h.spec(job{model: "launch.py", limits: func(l *syscallpolicy.Limits) { *l = syscallpolicy.DefaultLimits() }})
	if err != nil {
		h.close()
		return nil, err
	}
	spec.Arrays = true
	return &launcher{host: h, spec: spec}, nil
}

// openReady opens a pool of so many sandboxes that wait.
func (b *launchBench) openReady(ctx context.Context, ready int) (*launcher, error) {
	l, err := b.open(ctx, supervisor.PoolOptions{Ready: ready, MaxReady: ready})
	if err != nil {
		return nil, err
	}
	if err := l.host.supervisor.Warm(ctx, l.spec, ready); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// launcher launches one model again and again.
type launcher struct {
	host *host
	spec supervisor.Spec
}

func (l *launcher) close() { l.host.close() }

// once is a launch, its first result and its end; it gives the time to the
// result, in microseconds.
func (l *launcher) once(ctx context.Context, inputs ...supervisor.Input) (float64, error) {
	start := time.Now()
	m, err := l.host.supervisor.Launch(ctx, l.spec, inputs...)
	if err != nil {
		return 0, err
	}
	results, err := m.Call(ctx, supervisor.Call{})
	took := time.Since(start)
	if err == nil {
		results.Close()
	}
	if o := m.Close(); o.Cause.Verdict != supervisor.OK && err == nil {
		err = o.Cause
	}
	return float64(took.Nanoseconds()) / 1e3, err
}

// ready waits until so many sandboxes are.
func (l *launcher) ready(ctx context.Context, count int) error {
	for range 5000 {
		for _, t := range l.host.supervisor.Templates() {
			if t.Ready >= count {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
	return errors.New("the pool does not fill")
}

// fromPool measures launches each of which finds a full pool and nothing else
// to do on the machine.
func (l *launcher) fromPool(ctx context.Context, count, ready int, inputs ...supervisor.Input) (s sample, err error) {
	for range count {
		if err := l.ready(ctx, ready); err != nil {
			return nil, err
		}
		time.Sleep(5 * time.Millisecond)
		took, err := l.once(ctx, inputs...)
		if err != nil {
			return nil, err
		}
		s = append(s, took)
	}
	return s, nil
}

// python runs the script of forks.
func (b *launchBench) python(ctx context.Context, what string, count int) (s sample, err error) {
	// As a module: the forkserver would run a main file again in each process.
	start := fmt.Sprintf("import sys; sys.path.insert(0, %q); import forks; forks.main()", b.work.dir)
	out, err := exec.CommandContext(ctx, b.options.python, "-c", start, what, strconv.Itoa(count)).Output()
	if err != nil {
		return nil, fmt.Errorf("forks %s: %w%s", what, err, stderr(err))
	}
	return s, json.Unmarshal(out, &s)
}

const (
	perRound = 100 // launches
	poolSize = 4
)

// latency is launch to first result from the pool and on demand, beside bare
// forks.
func (b *launchBench) latency(ctx context.Context) error {
	pool, err := b.openReady(ctx, poolSize)
	if err != nil {
		return err
	}
	defer pool.close()
	demand, err := b.open(ctx, supervisor.PoolOptions{Ready: -1})
	if err != nil {
		return err
	}
	defer demand.close()
	if _, err := demand.once(ctx); err != nil {
		return err
	}
	var fork, ready, forked, server sample
	var p50, p99 sample
	for range b.options.rounds {
		theirs, err := b.python(ctx, "first", perRound)
		if err != nil {
			return err
		}
		ours, err := pool.fromPool(ctx, perRound, poolSize)
		if err != nil {
			return err
		}
		p50 = append(p50, ours.median()/theirs.median())
		p99 = append(p99, ours.quantile(0.99)/theirs.median())
		fork, ready = append(fork, theirs...), append(ready, ours...)
		for range perRound / 4 {
			took, err := demand.once(ctx)
			if err != nil {
				return err
			}
			forked = append(forked, took)
		}
		served, err := b.python(ctx, "server", perRound/4)
		if err != nil {
			return err
		}
		server = append(server, served...)
	}
	b.table.add("from the pool, Go API", ready, "every layer")
	b.table.add("forked on demand, Go API", forked, "every layer")
	b.table.add("bare os.fork with numpy, to its first byte", fork, "nothing")
	b.table.add("multiprocessing forkserver, numpy preloaded", server, "nothing")
	b.table.note("from the pool to bare fork: p50 %.3f (min %.3f), p99 to its p50 %.3f (min %.3f); at most 0.2 and 0.7",
		p50.median(), p50.min(), p99.median(), p99.min())
	return nil
}

// sustained is how many models a second have a sandbox each, beside forks that
// are waited for.
func (b *launchBench) sustained(ctx context.Context) error {
	pool, err := b.openReady(ctx, 8)
	if err != nil {
		return err
	}
	defer pool.close()
	var ours, theirs, ratios sample
	for range b.options.rounds {
		forks, err := b.python(ctx, "rate", 2)
		if err != nil {
			return err
		}
		rate, err := pool.rate(ctx, 2*time.Second, 4*runtime.NumCPU())
		if err != nil {
			return err
		}
		ours, theirs, ratios = append(ours, rate), append(theirs, forks...), append(ratios, rate/forks[0])
	}
	b.table.note("sustained, one model per sandbox: %.0f/s; bare fork and wait %.0f/s; ratio %.2f (max %.2f), at least 0.35",
		ours.median(), theirs.median(), ratios.median(), ratios.quantile(1))
	return nil
}

// rate launches from several goroutines for a while.
func (l *launcher) rate(ctx context.Context, long time.Duration, atOnce int) (float64, error) {
	var count atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, atOnce)
	start := time.Now()
	for range atOnce {
		wg.Go(func() {
			for time.Since(start) < long {
				if _, err := l.once(ctx); err != nil {
					errs <- err
					return
				}
				count.Add(1)
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return 0, err
	default:
	}
	return float64(count.Load()) / time.Since(start).Seconds(), nil
}
