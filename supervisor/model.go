package supervisor

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/ipc"
	"hotcell/shm"
	"hotcell/supervisor/broker"
	"hotcell/supervisor/cgroup"
	"hotcell/syscallpolicy"
)

// Model is one model in its sandbox. What ends it first is its cause; ending
// it twice changes nothing.
type Model struct {
	supervisor    *Supervisor
	id            string // in logs and names of control groups
	spec          Spec
	limits        syscallpolicy.Limits
	broker        *broker.Broker
	template      *template
	templateGroup group // of a template that is this model's own
	stem          *stem // the template, of a model from a pool
	entered       bool  // through the queue
	steps         steps
	sandbox       *sandbox
	group         group
	notifier      *notifier
	record        *recorder
	operations    atomic.Int64 // tried, through both doors
	logs          logs
	log           *slog.Logger
	asking        asking
	started       time.Time // of the launch
	handed        time.Time // when the clock began to run
	clock         clock
	functions     functions
	granted       regions
	line          line
	output        *shm.Region // what the sandbox writes results to, nil before launch
	kept          kept
	bytesIn       atomic.Int64
	bytesOut      atomic.Int64
	calls         atomic.Int64 // begun
	space         uint64       // of addresses that the sandbox got at the hand-over
	bound         int64        // bytes of arrays that it got then
	calling       sync.Mutex   // held by the one call in flight
	background    sync.WaitGroup

	mu    sync.Mutex
	cause *Cause
	last  cgroup.Usage  // when cause was set
	ended chan struct{} // closed with cause set
}

func newModel(s *Supervisor, spec Spec) *Model {
	if spec.Function == "" {
		spec.Function = "model"
	}
	limits := spec.Policy.Limits()
	id := newID()
	m := &Model{supervisor: s, id: id, log: s.log.With("model", id), spec: spec, limits: limits, asking: asking{ask: spec.Ask}, record: newRecorder(advice(spec.Policy)), started: time.Now(), ended: make(chan struct{})}
	m.steps = startSteps(m.started)
	m.logs = logs{limit: limits.MaxLog, stdout: stream{to: spec.Stdout}, stderr: stream{to: spec.Stderr}}
	m.logs.over = func() {
		m.end(&Cause{Verdict: OutputLimit, Source: FromSupervisor,
			Reason: fmt.Sprintf("the model printed more than %d bytes; raise --max-log if that is wanted", limits.MaxLog)})
	}
	return m
}

func newID() string { return strings.ToLower(rand.Text()[:12]) }

// end sets the cause if there is none yet, and kills the sandbox. It gives
// the cause that counts: the first, where the kernel's own came before all that
// it led to and all that the supervisor noticed later.
func (m *Model) end(cause *Cause) *Cause {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cause == nil {
		m.clock.stop()
		if m.sandbox != nil {
			m.lookLast()
		}
		if m.last.OOMKills > 0 && cause.Verdict != OK {
			cause = m.outOfMemory()
		}
		m.cause = cause
		if m.sandbox != nil {
			// Before anybody hears of the end: a function of the host that is
			// broken off by it would answer a model that still lives.
			m.sandbox.kill()
		}
		close(m.ended)
	}
	return m.cause
}

// watch starts what looks after a running model. All of it ends with the
// sandbox.
func (m *Model) watch() {
	m.logs.follow(m.sandbox.stdout, m.sandbox.stderr)
	m.notifier = newNotifier(m)
	m.background.Go(func() {
		if err := m.notifier.serve(); err != nil {
			m.end(internalError("answer operations: %v", err))
		}
	})
	m.background.Go(m.watchCPU)
	if m.supervisor.lacks("memory") {
		m.background.Go(m.watchMemory)
	}
	m.background.Go(m.answerQuestions)
}

// endAlive ends a model at a limit, unless it has died: whoever talks with it is
// about to say of what, and has a moment for that.
func (m *Model) endAlive(cause *Cause) {
	if m.sandbox.gone() {
		select {
		case <-m.ended:
			return
		case <-time.After(judgeTime):
		}
	}
	m.end(cause)
}

func (m *Model) outOfTime(limit time.Duration) {
	m.endAlive(&Cause{Verdict: WallTimeLimit, Source: FromSupervisor, Reason: fmt.Sprintf("the model ran longer than %v", limit)})
}

// judgeTime is what judging a death takes at most, by far.
const judgeTime = 5 * time.Second

// powerOfTen thins the log of a flood: its 1st, 10th, 100th ... are told.
func powerOfTen(n int64) bool {
	for n >= 10 && n%10 == 0 {
		n /= 10
	}
	return n == 1
}

// undone marks the rule of what was allowed, but is not done for any model.
const undone = "not done: "

// refusedAll keeps what was allowed and not done. No rule would help, so nobody
// that learns rules is told.
func (m *Model) refusedAll(operation syscallpolicy.Operation, decision syscallpolicy.Decision) {
	if powerOfTen(m.record.add(operation, decision)) {
		m.log.Info("operation", "kind", operation.Kind.String(), "target", clip(operation.Target, maxTarget),
			"decision", decision.Effect.String(), "rule", decision.Rule)
	}
}

// advice is the policy's, but for what a person or the host decided just now,
// and what no rule allows.
func advice(p syscallpolicy.Policy) func(syscallpolicy.Operation, syscallpolicy.Decision) string {
	return func(operation syscallpolicy.Operation, decision syscallpolicy.Decision) string {
		if strings.HasSuffix(decision.Rule, answered) || strings.HasPrefix(decision.Rule, undone) {
			return ""
		}
		return p.Advice(operation, decision)
	}
}

// decide is the one decider: both doors lead here. The first rule that matches
// answers, the host where a rule says so, and nobody else.
func (m *Model) decide(operation syscallpolicy.Operation) syscallpolicy.Decision {
	decision := m.spec.Policy.Decide(operation)
	if m.limits.Scratch > 0 && inScratch(operation, decision) {
		decision = syscallpolicy.Decision{Effect: syscallpolicy.Allow, Rule: "scratch"}
	}
	if m.offered(operation, decision) {
		decision = syscallpolicy.Decision{Effect: syscallpolicy.Allow, Rule: "host function"}
	}
	if namesOfGrants(operation, decision) && len(m.spec.Policy.Connections()) > 0 {
		decision = syscallpolicy.Decision{Effect: syscallpolicy.Allow, Rule: "names of granted addresses"}
	}
	if decision.Effect == syscallpolicy.Ask {
		decision = m.ask(operation, decision.Rule)
	}
	m.settle(operation, decision)
	return decision
}

// named is what the policy says of a call by its name.
func (m *Model) named(operation syscallpolicy.Operation) (syscallpolicy.Decision, bool) {
	decision, ok := m.spec.Policy.Named(operation)
	if ok {
		m.settle(operation, decision)
	}
	return decision, ok
}

// settle keeps a decision, and ends a model that one kills.
func (m *Model) settle(operation syscallpolicy.Operation, decision syscallpolicy.Decision) {
	m.recorded(operation, decision)
	if decision.Effect == syscallpolicy.Kill {
		m.end(&Cause{Verdict: PolicyViolation, Source: FromSupervisor,
			Reason: fmt.Sprintf("%v %q is forbidden by %s", operation.Kind, clip(operation.Target, 200), decision.Rule)})
	}
}

// counted takes note of one operation more, whether or not there is anything
// to decide about it, and ends a model that tries too many.
func (m *Model) counted() {
	if m.operations.Add(1) == m.limits.MaxOperations+1 {
		m.end(&Cause{Verdict: OperationLimit, Source: FromSupervisor,
			Reason: fmt.Sprintf("the model tried more than %d operations; raise --max-operations if that is wanted", m.limits.MaxOperations)})
	}
}

// recorded keeps a decision.
func (m *Model) recorded(operation syscallpolicy.Operation, decision syscallpolicy.Decision) {
	if m.spec.Observe != nil {
		m.spec.Observe(operation, decision)
	}
	equal := m.record.add(operation, decision)
	if powerOfTen(equal) {
		m.log.Info("operation", "kind", operation.Kind.String(), "target", clip(operation.Target, maxTarget),
			"decision", decision.Effect.String(), "rule", decision.Rule, "count", equal)
	}
}

// watchCPU ends the model at its CPU time, which like its wall time is a
// call's; the first call's includes the launch. It looks again when the limit
// could be reached at the earliest. A later call begins between two looks, so
// its time counts from the first look after, and there are several within a
// limit.
func (m *Model) watchCPU() {
	limit := m.limits.CPUTime
	var before time.Duration // used when the call began
	call := int64(1)
	for {
		used, err := m.group.CPUTime()
		if err != nil {
			m.end(internalError("read CPU time: %v", err))
			return
		}
		if now := m.calls.Load(); now > call {
			call, before = now, used
		}
		left := limit - (used - before)
		if left <= 0 {
			m.endAlive(m.usedCPUTime())
			return
		}
		wait := time.Duration(float64(left) / max(1, m.limits.CPUs))
		if call > 1 {
			wait = min(wait, max(limit/8, looksApart))
		}
		select {
		case <-time.After(max(wait, time.Millisecond)):
		case <-m.ended:
			return
		}
	}
}

// looksApart is the least between two looks at a model that is called again
// and again: hundreds of them are open, and most of them idle.
const looksApart = 500 * time.Millisecond

// over is why the model has ended, nil if it has not.
func (m *Model) over() *Cause {
	select {
	case <-m.ended:
		return m.cause
	default:
		return nil
	}
}

// broken says why a conversation ended: by our own doing, by the process's
// death, or by bytes that are no frame.
func (m *Model) broken(err error) *Cause {
	if errors.Is(err, ipc.ErrFrame) {
		return m.end(forged("%v", err))
	}
	if cause := m.over(); cause != nil {
		return cause
	}
	m.logs.drain(time.Second) // it may have printed too much before
	status, known := m.sandbox.waitBriefly()
	if !known {
		return m.end(m.judgeSilence(err))
	}
	return m.end(m.judgeDeath(status))
}

// forged is a process that does not speak as the shim does.
func forged(format string, args ...any) *Cause {
	return &Cause{Verdict: InvalidResult, Source: FromSupervisor, Reason: "the model's process sent " + fmt.Sprintf(format, args...)}
}

// sealDead seals the region of a sandbox that is dead. Its memory may be looked
// at by the kernel itself for a moment longer (reclaim, compaction, a
// profiler), which counts as in use; a writer does not go away.
func sealDead(region *shm.Region) error {
	var err error
	for wait := time.Millisecond; wait < time.Second; wait *= 2 {
		if err = region.Seal(); !errors.Is(err, unix.EBUSY) {
			return err
		}
		time.Sleep(wait)
	}
	return err
}
