package supervisor

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"hotcell/supervisor/cgroup"
	"hotcell/syscallpolicy"
	"hotcell/vm"
)

// pool is one kind of template with the sandboxes that wait: those of one
// interpreter, shim and filter, with the same modules allowed. It serves every
// source whose modules its template has.
type pool struct {
	pools       *pools
	interpreter vm.Interpreter
	shim        []byte
	allowed     []string
	modules     []string // that the template imports
	has         map[string]bool
	shape       syscallpolicy.Shape
	program     []byte

	// Under the lock of pools.
	stem      *stem       // what forks, nil before the first launch and after a crash
	next      *start      // a template that is being started
	ready     []*sandbox  // the oldest first
	limits    readyLimits // of the last launch
	filling   int         // how many sandboxes are being made for later
	target    int         // how many shall be ready
	floor     int         // what Warm asked for
	warming   int         // how many fill it by Warm
	missed    bool        // since tidy looked
	launches  int         // that asked for a sandbox
	used      time.Time   // for the last of them
	refused   string      // why no template can be shared
	refusedAt time.Time
	dropped   bool
}

// readyLimits are those of a model's limits that a sandbox which waits has: the
// next launch mostly wants those of the last.
type readyLimits struct {
	cgroup.Limits
	warmth
}

func limitsAhead(l syscallpolicy.Limits) readyLimits {
	return readyLimits{groupLimits(l), warmth{output: l.MaxOutput}}
}

// stem is a template that sandboxes of many models are forked from.
type stem struct {
	template *template
	hurry    hurry

	// Under the lock of pools.
	born      time.Time
	forks     int // in all
	sandboxes int // that there are or are being made
	retired   bool
}

// hurry puts a template behind running models where it only makes sandboxes
// for later, and not while a launch waits for it.
type hurry struct {
	mu      sync.Mutex
	waiting int
	behind  bool
}

// begin is a launch that waits, end the end of that.
func (h *hurry) begin(g group) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting++
	h.put(g, false)
}

func (h *hurry) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting--
}

// yield puts the template behind, if no launch waits.
func (h *hurry) yield(g group) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting == 0 {
		h.put(g, true)
	}
}

// put is courtesy: where it does not work, all are equal.
func (h *hurry) put(g group, behind bool) {
	if y, ok := g.(yielding); ok && behind != h.behind && y.Yield(behind) == nil {
		h.behind = behind
	}
}

// start is the wait for a template.
type start struct {
	done chan struct{} // closed with err set
	err  error
}

func newPool(p *pools, spec *Spec, allowed, modules []string, shape syscallpolicy.Shape, program []byte) *pool {
	has := make(map[string]bool, len(modules))
	for _, m := range modules {
		has[m] = true
	}
	return &pool{
		pools: p, interpreter: spec.Interpreter, shim: spec.Shim, allowed: slices.Clone(allowed), modules: modules, has: has,
		shape: shape, program: program, target: p.options.Ready, limits: limitsAhead(spec.Policy.Limits()), used: time.Now(),
	}
}

// serves tells whether models of a spec may come from here.
func (p *pool) serves(spec *Spec, allowed, modules []string, shape syscallpolicy.Shape) bool {
	return p.shape == shape && slices.Equal(p.allowed, allowed) && sameInterpreter(&p.interpreter, &spec.Interpreter) &&
		sameBytes(p.shim, spec.Shim) && !slices.ContainsFunc(modules, func(m string) bool { return !p.has[m] })
}

func sameInterpreter(a, b *vm.Interpreter) bool {
	return a.Executable == b.Executable && a.Magic == b.Magic && a.Numpy == b.Numpy && slices.Equal(a.Path, b.Path) &&
		slices.Equal(a.Mounts, b.Mounts) && slices.Equal(a.Links, b.Links)
}

// sameBytes does not read what is the same memory, as a shim mostly is: it has a
// megabyte.
func sameBytes(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || bytes.Equal(a, b))
}

// take gives a ready sandbox, if there is one, and has another made.
func (p *pool) take(limits readyLimits) *sandbox {
	p.pools.mu.Lock()
	defer p.pools.mu.Unlock()
	p.launches++
	p.limits = limits
	for len(p.ready) > 0 {
		s := p.ready[0]
		p.ready = slices.Delete(p.ready, 0, 1)
		if s.gone() {
			p.pools.discard(s)
			continue
		}
		p.refillLocked()
		return s
	}
	if p.target < p.pools.options.MaxReady {
		p.target++
	}
	p.missed = true
	return nil
}

// live gives a template that forks, with one sandbox more counted; it starts one
// if there is none. It gives none if no template can be shared, or the pool was
// given up meanwhile.
func (p *pool) live(ctx context.Context) (*stem, error) {
	for {
		st, next := p.current()
		if st != nil || next == nil {
			return st, nil
		}
		select {
		case <-next.done:
			if next.err != nil {
				return nil, next.err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (p *pool) current() (*stem, *start) {
	p.pools.mu.Lock()
	defer p.pools.mu.Unlock()
	if p.refused != "" || p.dropped && !p.pools.closed {
		return nil, nil
	}
	if p.stem != nil && !p.stem.template.over() {
		p.stem.forks++
		p.stem.sandboxes++
		return p.stem, nil
	}
	return nil, p.startLocked()
}

// startLocked begins to start a template, unless that is under way. What serves
// until then goes on. The caller holds the lock.
func (p *pool) startLocked() *start {
	if p.next == nil {
		p.next = &start{done: make(chan struct{})}
		if p.pools.closed {
			p.next.err = errPoolsClosed
			close(p.next.done)
			return p.next
		}
		p.pools.work.Go(func() { p.replace(p.next) })
	}
	return p.next
}

// replace starts a template and puts it in the place of the one before.
func (p *pool) replace(next *start) {
	t, err := p.boot()
	p.pools.mu.Lock()
	defer p.pools.mu.Unlock()
	defer close(next.done)
	p.next = nil
	if err != nil {
		next.err = err
		p.pools.supervisor.log.Warn("no template", "error", err)
		return
	}
	st := &stem{template: t, born: time.Now()}
	p.pools.stems[st] = true
	switch {
	case p.pools.closed:
		next.err = errPoolsClosed
		fallthrough
	case p.dropped: // whoever waits has a template of its own
		p.pools.retire(st)
		return
	case t.boot.Threaded != "":
		p.refuse(fmt.Sprintf("module %s left a native thread, which a fork does not keep: each launch has a template of its own", t.boot.Threaded))
		p.pools.retire(st)
		return
	}
	if p.stem != nil {
		p.pools.retire(p.stem)
	}
	p.stem = st
	p.pools.work.Go(func() { p.watch(st) })
	p.refillLocked()
}

// refuse has launches start templates of their own, for a while. The caller
// holds the lock.
func (p *pool) refuse(why string) {
	p.refused, p.refusedAt = why, time.Now()
	p.pools.supervisor.log.Warn("no shared template", "reason", why)
}

// boot starts a template and waits until it has imported what it could.
func (p *pool) boot() (*template, error) {
	s := p.pools.supervisor
	group, err := s.tree.New("template-" + newID())
	if err != nil {
		return nil, err
	}
	t, err := startTemplate(templateConfig{
		interpreter: p.interpreter, shim: p.shim, modules: p.modules, identity: s.identity, group: group, shared: true,
	})
	if err == nil {
		if err = t.await(p.pools.background); err != nil {
			t.close()
		}
	}
	if err != nil {
		group.Remove()
		return nil, err
	}
	return t, nil
}

// await waits until the template has imported what it could.
func (t *template) await(ctx context.Context) error {
	late := time.NewTimer(setupTime)
	defer late.Stop()
	select {
	case <-t.ready:
		return nil
	case <-t.dead:
		return t.failure()
	case <-late.C:
		return t.late()
	case <-ctx.Done():
		return errPoolsClosed
	}
}

// watch waits for the template's end. One that nobody wanted took its ready
// sandboxes with it; the next launch starts another.
func (p *pool) watch(st *stem) {
	<-st.template.dead
	p.pools.mu.Lock()
	defer p.pools.mu.Unlock()
	if st.retired {
		return
	}
	p.pools.supervisor.log.Error("a template ended", "error", st.template.failure(), "sandboxes", st.sandboxes)
	if p.stem == st {
		p.stem = nil
	}
	p.dropReady(func(s *sandbox) bool { return s.stem == st })
	p.pools.retire(st)
}

// dropReady ends ready sandboxes. The caller holds the lock.
func (p *pool) dropReady(which func(*sandbox) bool) {
	p.ready = slices.DeleteFunc(p.ready, func(s *sandbox) bool {
		if which(s) {
			p.pools.discard(s)
			return true
		}
		return false
	})
}

// fork makes a sandbox of a template, for which the template counts it already;
// a warm one is for later.
func (p *pool) fork(ctx context.Context, st *stem, limits cgroup.Limits, warm *warmth) (*sandbox, error) {
	id := newID()
	group, err := p.pools.supervisor.tree.New("model-" + id)
	if err != nil {
		p.pools.release(st)
		return nil, err
	}
	var s *sandbox
	if err = group.Set(limits); err == nil {
		s, err = newSandbox(ctx, st.template, p.program, group, warm)
	}
	if err == nil {
		s.id, s.stem, s.limits = id, st, limits
		if err = s.prepare(); err != nil {
			s.close()
		}
	}
	if err != nil {
		group.Remove()
		p.pools.release(st)
		return nil, err
	}
	return s, nil
}

// refillDelay keeps the work for later launches away from the one that has just
// taken a sandbox: it has its first result within a fraction of that.
const refillDelay = 2 * time.Millisecond

func (p *pool) refill() {
	p.pools.mu.Lock()
	defer p.pools.mu.Unlock()
	p.refillLocked()
}

// fillers is how many sandboxes are made for later at a time: making one is
// mostly waiting for the kernel, which lets no mount go before a grace period.
const fillers = 3

func (p *pool) refillLocked() {
	for p.filling < fillers && p.wants() {
		p.filling++
		p.pools.work.Go(func() {
			if p.waitABit() {
				p.fill()
			}
		})
	}
}

// waitABit tells whether there is still something to do then.
func (p *pool) waitABit() bool {
	select {
	case <-time.After(refillDelay):
		return true
	case <-p.pools.background.Done():
		return false
	}
}

// wants tells whether another sandbox should be ready. A pool that one launch
// has used may never be used again. The caller holds the lock.
func (p *pool) wants() bool {
	due := p.warming == 0 && (p.floor > 0 || p.launches > 1)
	return due && !p.pools.closed && !p.dropped && p.stem != nil && !p.stem.template.over() && p.fresh()+p.filling < p.target
}

// fresh counts the ready sandboxes of the template that forks.
func (p *pool) fresh() (n int) {
	for _, s := range p.ready {
		if s.stem == p.stem {
			n++
		}
	}
	return n
}

// fill makes one sandbox after the other until there are enough.
func (p *pool) fill() {
	for {
		p.pools.mu.Lock()
		p.renewIfDue(time.Now())
		p.filling-- // this one's place is wanted, or not
		if !p.wants() {
			p.pools.mu.Unlock()
			return
		}
		p.filling++
		st, limits := p.stem, p.limits
		st.forks++
		st.sandboxes++
		p.pools.mu.Unlock()
		st.hurry.yield(st.template.group)
		s, err := p.fork(p.pools.background, st, limits.Limits, &limits.warmth)
		p.pools.mu.Lock()
		if err != nil {
			p.filling-- // until the next launch
			p.pools.mu.Unlock()
			if p.pools.background.Err() == nil {
				p.pools.supervisor.log.Warn("no sandbox for the pool", "error", err)
			}
			return
		}
		p.keep(s)
		p.pools.mu.Unlock()
	}
}

// keep adds a ready sandbox; as many of a template that was renewed are not
// needed any more. The caller holds the lock.
func (p *pool) keep(s *sandbox) {
	if p.pools.closed || p.dropped || s.stem.template.over() {
		p.pools.discard(s)
		return
	}
	p.ready = append(p.ready, s)
	if p.fresh() >= p.target {
		p.dropReady(func(s *sandbox) bool { return s.stem != p.stem })
	}
}

// renewIfDue starts another template where this one has forked enough or is old.
// The caller holds the lock.
func (p *pool) renewIfDue(now time.Time) {
	if p.stem == nil || p.pools.closed || p.dropped {
		return
	}
	o := &p.pools.options
	if p.stem.forks >= o.MaxForks || now.Sub(p.stem.born) >= o.MaxAge {
		p.startLocked()
	}
}

// tidy lets demand fall by one where all found a ready sandbox since the last
// time. The caller holds the lock.
func (p *pool) tidy(now time.Time) {
	if !p.missed && p.target > max(p.floor, p.pools.options.Ready) {
		p.target--
	}
	p.missed = false
	p.dropReady(func(s *sandbox) bool { return s.gone() })
	for p.fresh() > p.target {
		p.pools.discard(p.ready[0])
		p.ready = slices.Delete(p.ready, 0, 1)
	}
	if p.refused != "" && now.Sub(p.refusedAt) >= p.pools.options.MaxAge {
		p.refused = ""
	}
	p.renewIfDue(now)
	p.refillLocked()
}
