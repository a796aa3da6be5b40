package supervisor

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"hotcell/syscallpolicy"
)

// Supervisor runs models on behalf of a host application: it owns the
// control groups and the identity of what it starts. It is safe for
// concurrent use.
type Supervisor struct {
	identity identity
	tree     groups
	log      *slog.Logger
	weaker   bool   // limits may be
	pools    *pools // nil: each launch has a template of its own
	queue    *queue
}

// Options of a Supervisor. The zero value is usable.
type Options struct {
	CgroupParent string       // where to put control groups, "" chooses
	Logger       *slog.Logger // nil discards

	// AllowDegraded takes weaker limits where the host has no control groups
	// to give, or not all of their controllers. Reports say what was weaker.
	// Isolation is no limit: without it nothing runs.
	AllowDegraded bool

	// Pool shares templates among launches and keeps sandboxes ready; nil has
	// each launch start a template of its own, which suits a program that runs
	// one model.
	Pool *PoolOptions

	// Queue bounds how many models there are at a time.
	Queue QueueOptions
}

// New takes its place among the host's control groups and clears what dead
// supervisors left there. It fails when the host cannot hold a model.
func New(opts Options) (*Supervisor, error) {
	id, err := chooseIdentity()
	if err != nil {
		return nil, err
	}
	tree, err := openGroups(opts)
	if err != nil {
		return nil, err
	}
	log := opts.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Supervisor{identity: id, tree: tree, log: log, weaker: opts.AllowDegraded, queue: newQueue(opts.Queue)}
	if opts.Pool != nil {
		s.pools = newPools(s, *opts.Pool)
	}
	return s, nil
}

// Close ends the templates and removes the control groups. Models must have
// ended before.
func (s *Supervisor) Close() error {
	if s.pools != nil {
		s.pools.close()
	}
	return s.tree.Close()
}

// grantLow and grantHigh bound the addresses at which arrays are mapped in a
// sandbox; the filter refuses mremap of anything between. Nothing else is put
// there, and it lies within the 512 GiB of three levels of page tables, which
// is all that some machines have (arm64 with 39 bits, user-mode Linux).
const (
	grantLow  = 0x10_0000_0000
	grantHigh = 0x40_0000_0000
)

// baseShape is the filter's shape for CPython, before a policy adds to it.
var baseShape = syscallpolicy.Shape{Threads: true, GrantLow: grantLow, GrantHigh: grantHigh}

// filters keeps compiled filters by shape: policies that differ in the
// supervisor's decisions only share one.
var filters sync.Map

func filterFor(shape syscallpolicy.Shape) ([]byte, error) {
	if program, ok := filters.Load(shape); ok {
		return program.([]byte), nil
	}
	// The first operation does not wait for the table of names.
	syscallpolicy.Name(0)
	program, err := shape.Compile()
	if err != nil {
		return nil, fmt.Errorf("compile filter: %w", err)
	}
	filters.Store(shape, program.Bytes())
	return program.Bytes(), nil
}

// Run launches a model, calls it once with the inputs and ends it. The outcome
// always has a cause; results are there when it is OK, and the caller closes
// them.
func (s *Supervisor) Run(ctx context.Context, spec Spec, inputs []Input) *Outcome {
	m, cause := s.launch(ctx, spec, inputs)
	if cause != nil {
		return m.finish(cause, nil)
	}
	results, cause := m.onlyCall(ctx)
	return m.finish(cause, results)
}

// Launch starts a model that stays: its statements run once, then it is called
// as often as the host likes. The inputs are bound: every call gets them. A
// bound array may be a part of its region; the model sees no byte around it.
//
// The error is a *Cause. Close ends a launched model, and so does the end of
// the supervisor; after an error nothing is left to close.
func (s *Supervisor) Launch(ctx context.Context, spec Spec, inputs ...Input) (*Model, error) {
	m, cause := s.launch(ctx, spec, inputs)
	if cause != nil {
		return nil, m.finish(cause, nil).Cause
	}
	return m, nil
}
