package supervisor

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// PoolOptions say how templates are shared and how many sandboxes wait. The zero
// value is usable.
//
// A template costs what an interpreter with its modules does, a ready sandbox 2
// to 4 MiB. Each ready sandbox serves one model and ends with it; none is ever
// used again.
type PoolOptions struct {
	// Ready and MaxReady bound how many sandboxes of each template wait, locked
	// down, for a model: as many as demand asks for, between the two. Equal, they
	// are the number. 0 is 1 and 8; less than 0 is none, and all are forked when
	// they are wanted.
	Ready, MaxReady int

	// Templates bounds how many there are for different interpreters, modules and
	// filters; the one that was used longest ago goes first. 0 is 4. A template
	// that was renewed and still has sandboxes does not count.
	Templates int

	// MaxForks and MaxAge bound a template's life: sandboxes of one template have
	// the same layout of addresses, which shall not be worth learning. 0 is 5,000
	// and 30 minutes.
	MaxForks int
	MaxAge   time.Duration

	// Idle is after how long without a launch a template ends; 0 is 10 minutes.
	// One that Warm started stays.
	Idle time.Duration
}

func (o PoolOptions) withDefaults() PoolOptions {
	or := func(n, otherwise int) int {
		if n > 0 {
			return n
		}
		return otherwise
	}
	orTime := func(d, otherwise time.Duration) time.Duration {
		if d > 0 {
			return d
		}
		return otherwise
	}
	if o.Ready < 0 {
		o.Ready, o.MaxReady = 0, 0
	} else {
		o.Ready = or(o.Ready, 1)
		o.MaxReady = max(o.Ready, or(o.MaxReady, 8))
	}
	o.Templates = or(o.Templates, 4)
	o.MaxForks = or(o.MaxForks, 5000)
	o.MaxAge = orTime(o.MaxAge, 30*time.Minute)
	o.Idle = orTime(o.Idle, 10*time.Minute)
	return o
}

// pools are a supervisor's: one for each kind of template.
type pools struct {
	supervisor *Supervisor
	options    PoolOptions
	background context.Context // ends with close
	stop       context.CancelFunc
	work       sync.WaitGroup // under background
	preloads   preloads

	mu      sync.Mutex // of all pools and stems too
	list    []*pool    // the one that was used last comes first
	stems   map[*stem]bool
	janitor *time.Timer
	closed  bool
}

func newPools(s *Supervisor, opts PoolOptions) *pools {
	p := &pools{supervisor: s, options: opts.withDefaults(), stems: map[*stem]bool{}}
	p.background, p.stop = context.WithCancel(context.Background())
	return p
}

var errPoolsClosed = errors.New("the supervisor is closed")

// launch gives the model a locked sandbox: a ready one or, where none is, one
// that is forked for it. It gives none for modules that no template can be
// shared with.
func (p *pools) launch(ctx context.Context, m *Model) (got bool, err error) {
	pool, err := p.find(&m.spec)
	if err != nil {
		return false, err
	}
	limits := groupLimits(m.limits)
	if s := pool.take(limitsAhead(m.limits)); s != nil {
		return true, m.adopt(s)
	}
	// A template may die while it forks; the next one is not to blame.
	for again := true; ; again = false {
		st, err := pool.live(ctx)
		if st == nil || err != nil {
			return false, err
		}
		st.hurry.begin(st.template.group)
		s, err := pool.fork(ctx, st, limits, nil)
		st.hurry.end()
		if err == nil {
			pool.refill()
			return true, m.adopt(s)
		}
		if !again || !st.template.over() {
			return false, err
		}
	}
}

// adopt makes a sandbox of a pool the model's.
func (m *Model) adopt(s *sandbox) error {
	m.sandbox, m.stem, m.template, m.group, m.id = s, s.stem, s.template, s.group, s.id
	m.log = m.supervisor.log.With("model", m.id)
	if limits := groupLimits(m.limits); limits != s.limits {
		return m.group.Set(limits)
	}
	return nil
}

// find gives the pool for a spec, and makes it.
func (p *pools) find(spec *Spec) (*pool, error) {
	modules := p.preloads.shared(spec)
	shape := spec.Policy.Shape(baseShape)
	program, err := filterFor(shape)
	if err != nil {
		return nil, err
	}
	allowed := spec.Policy.Modules()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errPoolsClosed
	}
	for i, pool := range p.list {
		if pool.serves(spec, allowed, modules, shape) {
			copy(p.list[1:], p.list[:i])
			p.list[0] = pool
			pool.used = time.Now()
			return pool, nil
		}
	}
	pool := newPool(p, spec, allowed, modules, shape, program)
	p.list = slices.Insert(p.list, 0, pool)
	if len(p.list) > p.options.Templates {
		p.drop(p.list[len(p.list)-1])
	}
	if p.janitor == nil {
		p.janitor = time.AfterFunc(p.interval(), p.tidy)
	}
	return pool, nil
}

// drop gives up a pool. The caller holds the lock.
func (p *pools) drop(pool *pool) {
	if i := slices.Index(p.list, pool); i >= 0 {
		p.list = slices.Delete(p.list, i, i+1)
	}
	pool.dropped = true
	p.discard(pool.ready...)
	pool.ready = nil
	if pool.stem != nil {
		p.retire(pool.stem)
	}
}

// interval is between two looks of tidy: a fraction of the times that it keeps.
func (p *pools) interval() time.Duration {
	return max(min(p.options.Idle, p.options.MaxAge)/8, 100*time.Millisecond)
}

// tidy lets demand fall, renews what is old and ends what is idle.
func (p *pools) tidy() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	now := time.Now()
	for _, pool := range slices.Clone(p.list) {
		if pool.floor == 0 && pool.next == nil && now.Sub(pool.used) > p.options.Idle {
			p.drop(pool)
			continue
		}
		pool.tidy(now)
	}
	p.janitor = nil
	if len(p.list) > 0 {
		p.janitor = time.AfterFunc(p.interval(), p.tidy)
	}
}

// discard ends sandboxes that nobody used. The caller holds the lock.
func (p *pools) discard(list ...*sandbox) {
	for _, s := range list {
		p.work.Go(func() {
			s.close()
			if err := s.group.Remove(); err != nil {
				p.supervisor.log.Warn("a ready sandbox's control group is left", "error", err)
			}
			p.release(s.stem)
		})
	}
}

// release gives up one sandbox of a template.
func (p *pools) release(st *stem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	st.sandboxes--
	p.endIfUnused(st)
}

// retire has a template fork no more: it ends with its last sandbox. The caller
// holds the lock.
func (p *pools) retire(st *stem) {
	st.retired = true
	p.endIfUnused(st)
}

func (p *pools) endIfUnused(st *stem) {
	if !st.retired || st.sandboxes > 0 || !p.stems[st] {
		return
	}
	delete(p.stems, st)
	p.work.Go(func() { p.end(st) })
}

func (p *pools) end(st *stem) {
	st.template.close()
	if err := st.template.group.Remove(); err != nil {
		p.supervisor.log.Warn("a template's control group is left", "error", err)
	}
}

// close ends all that waits. Sandboxes with models end with their templates.
func (p *pools) close() {
	p.stop()
	p.mu.Lock()
	p.closed = true
	if p.janitor != nil {
		p.janitor.Stop()
	}
	for _, pool := range slices.Clone(p.list) {
		p.drop(pool)
	}
	for st := range p.stems { // of models that were not closed, too
		st.template.kill()
	}
	p.mu.Unlock()
	p.work.Wait()
	for st := range p.stems {
		p.end(st)
	}
}
