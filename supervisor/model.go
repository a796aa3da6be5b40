package supervisor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
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
	spec          Spec
	limits        syscallpolicy.Limits
	broker        *broker.Broker
	template      *template
	templateGroup *cgroup.Group
	sandbox       *sandbox
	group         *cgroup.Group
	notifier      *notifier
	record        *recorder
	operations    atomic.Int64 // tried, through both doors
	logs          logs
	log           *slog.Logger
	asking        asking
	started       time.Time // of the launch
	handed        time.Time // when the clock began to run
	clock         clock
	bytesIn       int64
	bytesOut      int64
	background    sync.WaitGroup

	mu    sync.Mutex
	cause *Cause
	ended chan struct{} // closed with cause set
}

func newModel(s *Supervisor, spec Spec) *Model {
	if spec.Function == "" {
		spec.Function = "model"
	}
	limits := spec.Policy.Limits()
	m := &Model{supervisor: s, log: s.log.With("model", rand.Text()[:12]), spec: spec, limits: limits, asking: asking{ask: spec.Ask}, record: newRecorder(advice(spec.Policy)), started: time.Now(), ended: make(chan struct{})}
	m.logs = logs{limit: limits.MaxLog, stdout: stream{to: spec.Stdout}, stderr: stream{to: spec.Stderr}}
	m.logs.over = func() {
		m.end(&Cause{Verdict: OutputLimit, Source: FromSupervisor,
			Reason: fmt.Sprintf("the model printed more than %d bytes; raise --max-log if that is wanted", limits.MaxLog)})
	}
	return m
}

// end sets the cause if there is none yet, and kills the sandbox. It gives
// the cause that counts.
func (m *Model) end(cause *Cause) *Cause {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cause == nil {
		m.cause = cause
		m.clock.stop()
		close(m.ended)
		if m.sandbox != nil {
			m.sandbox.kill()
		}
	}
	return m.cause
}

// watch starts what looks after a running model. All of it ends with the
// sandbox.
func (m *Model) watch() {
	limit := m.limits.Timeout
	m.clock.start(limit, func() {
		m.end(&Cause{Verdict: WallTimeLimit, Source: FromSupervisor, Reason: fmt.Sprintf("the model ran longer than %v", limit)})
	})
	m.logs.follow(m.sandbox.stdout, m.sandbox.stderr)
	m.notifier = newNotifier(m)
	m.background.Go(func() {
		if err := m.notifier.serve(); err != nil {
			m.end(internalError("answer operations: %v", err))
		}
	})
	m.background.Go(m.watchCPU)
}

// powerOfTen thins the log of a flood: its 1st, 10th, 100th ... are told.
func powerOfTen(n int64) bool {
	for n >= 10 && n%10 == 0 {
		n /= 10
	}
	return n == 1
}

// advice is the policy's, but for what a person or the host decided just now.
func advice(p syscallpolicy.Policy) func(syscallpolicy.Operation, syscallpolicy.Decision) string {
	return func(operation syscallpolicy.Operation, decision syscallpolicy.Decision) string {
		if strings.HasSuffix(decision.Rule, answered) {
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
	if namesOfGrants(operation, decision) && len(m.spec.Policy.Connections()) > 0 {
		decision = syscallpolicy.Decision{Effect: syscallpolicy.Allow, Rule: "names of granted addresses"}
	}
	if decision.Effect == syscallpolicy.Ask {
		decision = m.ask(operation, decision.Rule)
	}
	m.recorded(operation, decision)
	if decision.Effect == syscallpolicy.Kill {
		m.end(&Cause{Verdict: PolicyViolation, Source: FromSupervisor,
			Reason: fmt.Sprintf("%v %q is forbidden by %s", operation.Kind, clip(operation.Target, 200), decision.Rule)})
	}
	return decision
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

// watchCPU ends the model at its CPU time. It looks again when the limit
// could be reached at the earliest.
func (m *Model) watchCPU() {
	for {
		used, err := m.group.CPUTime()
		if err != nil {
			m.end(internalError("read CPU time: %v", err))
			return
		}
		left := m.limits.CPUTime - used
		if left <= 0 {
			m.end(&Cause{Verdict: CPUTimeLimit, Source: FromKernel,
				Reason: fmt.Sprintf("the model used its CPU time of %v", m.limits.CPUTime)})
			return
		}
		wait := time.Duration(float64(left) / max(1, m.limits.CPUs))
		select {
		case <-time.After(max(wait, time.Millisecond)):
		case <-m.ended:
			return
		}
	}
}

// exchange sends one message and waits for its answer, serving what the
// model asks meanwhile. The context's end ends the model.
func (m *Model) exchange(ctx context.Context, send ipc.Message, files ...*os.File) (ipc.Message, *Cause) {
	stop := context.AfterFunc(ctx, func() {
		m.end(&Cause{Verdict: Cancelled, Source: FromSupervisor, Reason: "cancelled by the host"})
	})
	defer stop()
	if err := m.sandbox.conn.Send(send, 0, files...); err != nil {
		return nil, m.broken(err)
	}
	for {
		answer, seq, _, err := m.sandbox.conn.Receive(0)
		if err != nil {
			return nil, m.broken(err)
		}
		ask, ok := answer.(*ipc.Ask)
		if !ok {
			return answer, nil
		}
		reply, err := m.answer(ask)
		if err == nil {
			err = m.sandbox.conn.Send(reply, seq)
		}
		if err != nil {
			return nil, m.broken(err)
		}
	}
}

// answer decides what came through the asked door.
func (m *Model) answer(ask *ipc.Ask) (*ipc.Answer, error) {
	m.counted()
	kind, err := syscallpolicy.ParseKind(ask.Kind)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ipc.ErrFrame, err)
	}
	operation := syscallpolicy.Operation{Kind: kind, Target: ask.Target, Time: time.Now()}
	decision := m.decide(operation)
	text := fmt.Sprintf("%v of %s is not allowed: %s", kind, clip(ask.Target, 1<<10), m.spec.Policy.Advice(operation, decision))
	// Other kinds have no door here: saying yes would mean nothing.
	allow := kind == syscallpolicy.KindImport && decision.Effect == syscallpolicy.Allow
	return &ipc.Answer{Allow: allow, Text: clip(text, 4<<10)}, nil
}

// broken says why a conversation ended: by our own doing, by the process's
// death, or by bytes that are no frame.
func (m *Model) broken(err error) *Cause {
	if errors.Is(err, ipc.ErrFrame) {
		return m.end(forged("%v", err))
	}
	select {
	case <-m.ended:
		return m.cause
	default:
	}
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

// call makes one call and gives its results.
func (m *Model) call(ctx context.Context, inputs []Input) (*Results, *Cause) {
	output, err := shm.Create("output", m.limits.MaxOutput)
	if err != nil {
		return nil, m.end(internalError("%v", err))
	}
	message, files, err := m.callMessage(inputs, output)
	if err != nil {
		output.Close()
		return nil, m.end(launchCause(ctx, err))
	}
	answer, cause := m.exchange(ctx, message, files...)
	if cause == nil {
		cause = m.judgeAnswer(answer)
	}
	if cause.Verdict != OK {
		output.Close()
		return nil, cause
	}
	return m.take(answer.(*ipc.Result), output)
}

func (m *Model) callMessage(inputs []Input, output *shm.Region) (*ipc.Call, []*os.File, error) {
	message := &ipc.Call{Output: uint64(output.Size())}
	var files []*os.File
	for _, in := range inputs {
		message.Args = append(message.Args, ipc.Arg{Name: in.Name, Value: in.Value})
		if in.Region != nil {
			files = append(files, in.Region.File())
			m.bytesIn += in.Region.Size()
		}
	}
	if output.Size() > 0 {
		files = append(files, output.File())
	}
	if n := ipc.Size(message); n > ipc.MaxFrame || len(files) > ipc.MaxDescriptors {
		return nil, nil, setupError(UnmetInput, "too many or too large inputs: %d bytes besides the arrays and %d arrays, at most %d and %d fit",
			n, len(files)-1, ipc.MaxFrame, ipc.MaxDescriptors-1)
	}
	return message, files, nil
}

// judgeAnswer ends the model by what it answered: one run is one call.
func (m *Model) judgeAnswer(answer ipc.Message) *Cause {
	switch answer := answer.(type) {
	case *ipc.Result:
		return m.end(&Cause{Verdict: OK, Source: FromSupervisor, Reason: "the model returned"})
	case *ipc.Exception:
		if answer.Cause == ipc.CauseSyntax || answer.Cause == ipc.CauseNoFunction {
			return m.end(forged("an error of loading in answer to call"))
		}
		return m.end(m.raised(answer))
	default:
		return m.end(forged("a %v message in answer to call", answer.Type()))
	}
}

// take makes the results stable before anything looks at them: the sandbox
// is dead, and the seal proves that nobody can write the region any more.
func (m *Model) take(result *ipc.Result, output *shm.Region) (*Results, *Cause) {
	// The template serves this model only: both end at the same time.
	m.template.close()
	if err := sealDead(output); err != nil {
		output.Close()
		return nil, internalError("%v", err)
	}
	err := checkResults(result.Values, output.Size())
	if err == nil {
		err = readSpans(result.Values, output)
	}
	if err != nil {
		output.Close()
		return nil, forged("a result that is none: %v", err)
	}
	m.bytesOut = arrayBytes(result.Values)
	return &Results{Values: result.Values, Region: output}, &Cause{Verdict: OK, Source: FromSupervisor, Reason: "the model returned"}
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

// limitData lets most models that want too much memory fail in their own
// line: what is allocated beyond now and the budget raises a MemoryError. It
// does not count mapped regions. The control group is the wall behind it.
func limitData(pid int, budget int64) error {
	used, err := dataSize(pid)
	if err != nil {
		return err
	}
	limit := unix.Rlimit{Cur: uint64(used + budget), Max: uint64(used + budget)}
	if err := unix.Prlimit(pid, unix.RLIMIT_DATA, &limit, nil); err != nil {
		return fmt.Errorf("prlimit(RLIMIT_DATA) of the sandbox: %w", err)
	}
	return nil
}
