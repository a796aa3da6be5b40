package supervisor

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// TemplateStats is one shared template as it stands.
type TemplateStats struct {
	Interpreter string        `json:"interpreter"` // its executable
	Modules     []string      `json:"modules"`     // that it was asked to import
	PID         int           `json:"pid"`         // 0 where there is no template
	Age         time.Duration `json:"age"`
	Forks       int           `json:"forks"`     // in all
	Sandboxes   int           `json:"sandboxes"` // that there are now, ready ones too
	Ready       int           `json:"ready"`     // that wait for a model
	Target      int           `json:"target"`    // how many shall wait
	Retired     bool          `json:"retired"`   // it forks no more, and ends with its last sandbox
	Refused     string        `json:"refused"`   // why launches have templates of their own instead

	// Memory of the template's own process in bytes, by /proc; 0 where this
	// process may not read that. Pages that sandboxes share count in part (PSS).
	PSS int64 `json:"pss_bytes"`
	RSS int64 `json:"rss_bytes"`
}

// Templates tells what is shared among launches now: the template that was used
// last comes first. It is empty without PoolOptions.
func (s *Supervisor) Templates() []TemplateStats {
	if s.pools == nil {
		return nil
	}
	list := s.pools.stats()
	for i := range list {
		if list[i].PID > 0 {
			list[i].PSS, list[i].RSS = memoryOf(list[i].PID)
		}
	}
	return list
}

func (p *pools) stats() (list []TemplateStats) {
	p.mu.Lock()
	defer p.mu.Unlock()
	current := map[*stem]bool{}
	for _, pool := range p.list {
		t := TemplateStats{Interpreter: pool.interpreter.Executable, Modules: slices.Clone(pool.modules), Refused: pool.refused,
			Target: pool.target, Ready: len(pool.ready)}
		if pool.stem != nil {
			current[pool.stem] = true
			pool.stem.describe(&t)
		}
		list = append(list, t)
	}
	for st := range p.stems {
		if !current[st] {
			t := TemplateStats{Interpreter: st.template.interpreter.Executable}
			st.describe(&t)
			list = append(list, t)
		}
	}
	return list
}

func (st *stem) describe(t *TemplateStats) {
	t.PID, t.Age, t.Forks, t.Sandboxes, t.Retired = st.template.cmd.Process.Pid, time.Since(st.born), st.forks, st.sandboxes, st.retired
}

// memoryOf reads a process's memory.
func memoryOf(pid int) (pss, rss int64) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		return 0, 0
	}
	fields := statusFields(string(data))
	kib := func(name string) int64 {
		n, _ := strconv.ParseInt(strings.TrimSuffix(fields[name], " kB"), 10, 64)
		return n << 10
	}
	return kib("Pss"), kib("Rss")
}

// Warm starts the template for a spec and has n sandboxes ready for models like
// it; so many wait from then on, and the template does not end for want of use.
// The spec's files say what to import, and nothing of them is run. Without
// PoolOptions it does nothing.
//
// The error is a *Cause, as Launch has it.
func (s *Supervisor) Warm(ctx context.Context, spec Spec, n int) error {
	if s.pools == nil {
		return nil
	}
	if err := s.pools.warm(ctx, &spec, n); err != nil {
		return s.notDegraded(launchCause(ctx, err))
	}
	return nil
}

func (p *pools) warm(ctx context.Context, spec *Spec, n int) error {
	if err := spec.Policy.Limits().Check(); err != nil {
		return setupError(UnmetInput, "%v", err)
	}
	pool, err := p.find(spec)
	if err != nil {
		return err
	}
	limits := limitsAhead(spec.Policy.Limits())
	p.mu.Lock()
	pool.limits, pool.floor = limits, max(n, 1)
	pool.target = max(pool.target, n)
	pool.warming++
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		pool.warming--
		pool.refillLocked()
	}()
	for {
		enough, err := pool.addOne(ctx, n, limits)
		if enough || err != nil {
			return err
		}
	}
}

// addOne makes one sandbox more, unless n are ready.
func (p *pool) addOne(ctx context.Context, n int, limits readyLimits) (enough bool, err error) {
	st, err := p.live(ctx)
	if err != nil {
		return false, err
	}
	if st == nil {
		return false, setupError(UnmetInput, "no template can be shared: Templates says why")
	}
	p.pools.mu.Lock()
	enough = p.fresh() >= n
	p.pools.mu.Unlock()
	if enough {
		p.pools.release(st)
		return true, nil
	}
	s, err := p.fork(ctx, st, limits.Limits, &limits.warmth)
	if err != nil {
		return false, err
	}
	p.pools.mu.Lock()
	defer p.pools.mu.Unlock()
	p.keep(s)
	return false, nil
}
