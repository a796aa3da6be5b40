package supervisor

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"hotcell/child"
	"hotcell/ipc"
	"hotcell/shm"
	"hotcell/supervisor/cgroup"
	"hotcell/syscallpolicy"
)

// launch gets a locked sandbox and loads the model. The model is never nil: its
// finish says what it cost.
func (s *Supervisor) launch(ctx context.Context, spec Spec, inputs []Input) (*Model, *Cause) {
	m := newModel(s, spec)
	if err := m.limits.Check(); err != nil {
		return m, setupError(UnmetInput, "%v", err)
	}
	if cause := m.enter(ctx); cause != nil {
		return m, cause
	}
	if err := m.prepare(ctx); err != nil {
		return m, m.supervisor.notDegraded(launchCause(ctx, err))
	}
	m.steps.done("sandbox")
	if cause := m.checkBoot(); cause != nil {
		return m, cause
	}
	cause := m.load(ctx, inputs)
	m.steps.done("load")
	return m, cause
}

// enter waits for its turn.
func (m *Model) enter(ctx context.Context) *Cause {
	err := m.supervisor.queue.enter(ctx)
	if err != nil {
		return launchCause(ctx, err)
	}
	m.entered = true
	m.steps.done("queue")
	return nil
}

// prepare opens what is granted and gets a locked sandbox, from a pool if there
// is one for this model.
func (m *Model) prepare(ctx context.Context) error {
	var err error
	if m.broker, err = newBroker(m); err != nil {
		return err
	}
	m.steps.done("grants")
	if pools := m.supervisor.pools; pools != nil {
		if got, err := pools.launch(ctx, m); got || err != nil {
			return err
		}
	}
	return m.prepareAlone(ctx)
}

// prepareAlone makes the groups, a template for this one model, and the locked
// sandbox.
func (m *Model) prepareAlone(ctx context.Context) error {
	filter := make(chan error, 1)
	var program []byte
	go func() {
		var err error
		program, err = filterFor(m.spec.Policy.Shape(baseShape))
		filter <- err
	}()
	var err error
	if m.templateGroup, err = m.supervisor.tree.New("template-" + m.id); err != nil {
		return err
	}
	m.template, err = startTemplate(templateConfig{
		interpreter: m.spec.Interpreter, shim: m.spec.Shim, modules: preload(&m.spec),
		identity: m.supervisor.identity, group: m.templateGroup,
	})
	if err != nil {
		return err
	}
	if m.group, err = m.supervisor.tree.New("model-" + m.id); err != nil {
		return err
	}
	if err := m.group.Set(groupLimits(m.limits)); err != nil {
		return err
	}
	if err := <-filter; err != nil {
		return err
	}
	m.sandbox, err = newSandbox(ctx, m.template, program, m.group, nil)
	return err
}

// groupLimits are those of a model's limits that its control group holds.
func groupLimits(l syscallpolicy.Limits) cgroup.Limits {
	return cgroup.Limits{Memory: l.Memory, Pids: int64(l.Threads), CPUs: l.CPUs}
}

// launchCause sorts what went wrong before any user byte was read.
func launchCause(ctx context.Context, err error) *Cause {
	if cause, ok := errors.AsType[*Cause](err); ok {
		own := *cause // several launches may have waited for one template
		return &own
	}
	if ctx.Err() != nil {
		return &Cause{Verdict: Cancelled, Source: FromSupervisor, Reason: "cancelled while the sandbox was being set up"}
	}
	if stage, ok := errors.AsType[*child.StageError](err); ok {
		return setupError(UnmetHost, "%s", stageHint(stage))
	}
	if missing, ok := errors.AsType[*cgroup.MissingError](err); ok {
		return setupError(UnmetHost, "%v", missing)
	}
	return internalError("set up sandbox: %v", err)
}

// checkBoot looks at what the template could not import.
func (m *Model) checkBoot() *Cause {
	required := m.spec.Policy.Required()
	for _, failed := range m.template.boot.Failed {
		name, reason, _ := strings.Cut(failed, ": ")
		if slices.Contains(required, name) {
			return setupError(UnmetInput, "module %s cannot be imported by %s: %s", name, m.spec.Interpreter.Executable, reason)
		}
	}
	return nil
}

// load hands the model over: from its first byte on the sandbox is hostile,
// and the clock runs.
func (m *Model) load(ctx context.Context, inputs []Input) *Cause {
	load, source, err := m.loadMessage()
	if err != nil {
		return launchCause(ctx, err)
	}
	var files []*os.File
	if source != nil {
		defer source.Close()
		files = append(files, source.File())
	}
	files, err = m.bind(load, inputs, files)
	if err != nil {
		return launchCause(ctx, err)
	}
	m.steps.done("message")
	if err := m.handOver(); err != nil {
		return launchCause(ctx, err)
	}
	answer, cause := m.send(ctx, load, files)
	m.clock.rest()
	if cause != nil {
		return cause
	}
	m.logs.drain(time.Second) // as after a call
	switch answer := answer.(type) {
	case *ipc.Loaded:
		return nil
	case *ipc.Exception:
		switch answer.Cause {
		case ipc.CauseInvalidResult, ipc.CauseOutput:
			return forged("an error of calling in answer to load")
		}
		return m.raised(answer)
	default:
		return forged("a %v message in answer to load", answer.Type())
	}
}

// loadMessage has the sources in it where they are short, and else gives a
// region with them.
func (m *Model) loadMessage() (*ipc.Load, *shm.Region, error) {
	seed, err := seedBytes(m.spec.Seed)
	if err != nil {
		return nil, nil, err
	}
	load := &ipc.Load{
		Function: m.spec.Function, Modules: strings.Join(m.spec.Policy.Modules(), " "), Recursion: uint32(m.limits.Recursion),
		Seed: seed, Seeded: m.spec.Seed != nil, Env: m.spec.Env,
		// A library that starts more threads than there may be waits for them for ever.
		Threads: uint32(min(math.Ceil(m.limits.CPUs), float64(m.limits.Threads))),
	}
	var source []byte
	for _, f := range m.spec.Files {
		load.Files = append(load.Files, ipc.File{
			Module: f.Module, Path: f.Path, Package: f.Package, Offset: uint64(len(source)), Size: uint64(len(f.Source)),
		})
		source = append(source, f.Source...)
	}
	if n := ipc.Size(load); n > ipc.MaxFrame {
		return nil, nil, setupError(UnmetInput, "the model has too many files (%d) or too long names: their list takes %d bytes, at most %d fit",
			len(load.Files), n, ipc.MaxFrame)
	}
	if len(source) <= shortSource && len(source) > 0 {
		load.Source = source
		if ipc.Size(load) <= ipc.MaxFrame/2 { // the inputs' names come too
			return load, nil, nil
		}
		load.Source = nil
	}
	region, err := shm.Frozen("source", source)
	return load, region, err
}

// makeOutput gives the model the region that it writes results to: the one that
// its sandbox has mapped ahead, if that is as large as it may be.
func (m *Model) makeOutput(load *ipc.Load) error {
	load.Output = uint64(m.limits.MaxOutput)
	if ahead := m.sandbox.output; ahead != nil && ahead.Size() == m.limits.MaxOutput {
		m.output, m.sandbox.output, load.Mapped = ahead, nil, true
		return nil
	}
	var err error
	m.output, err = shm.Create("output", m.limits.MaxOutput)
	return err
}

// shortSource goes over with the message: making a region takes longer.
const shortSource = 16 << 10

// seedBytes spreads the user's seed, or draws one.
func seedBytes(seed *uint64) ([]byte, error) {
	b := make([]byte, 32)
	if seed != nil {
		binary.LittleEndian.PutUint64(b, *seed)
		return b, nil
	}
	if _, err := rand.Read(b); err != nil {
		return nil, fmt.Errorf("draw seed: %w", err)
	}
	return b, nil
}

// handOver is the last moment at which the sandbox is trusted: figures count
// from here, and limits that only go down are set.
func (m *Model) handOver() error {
	if m.sandbox.size == nil {
		if err := m.sandbox.prepare(); err != nil {
			return err
		}
	}
	if err := m.limitProcess(); err != nil {
		return err
	}
	m.steps.done("limits")
	m.handed = time.Now()
	m.clock.begin(m.limits.Timeout, m.outOfTime)
	return nil
}

// send hands the model over. What looks after it is started while the sandbox
// begins: a call that is routed waits for it.
func (m *Model) send(ctx context.Context, load *ipc.Load, files []*os.File) (ipc.Message, *Cause) {
	defer m.endWith(ctx)()
	err := m.sandbox.conn.Send(load, 0, files...)
	m.watch()
	if err != nil {
		return nil, m.broken(err)
	}
	answer, _, _, err := receiveSoon(m.sandbox.conn, 0)
	if err != nil {
		return nil, m.broken(err)
	}
	return answer, nil
}

// endProcess ends the model's process and waits until it is no more.
func (m *Model) endProcess() {
	if m.stem == nil {
		// The template serves this model only: both end at the same time.
		if m.template != nil {
			m.template.close()
		}
		return
	}
	m.sandbox.end()
}

// leave gives up the model's place among others.
func (m *Model) leave() {
	if m.stem != nil {
		m.supervisor.pools.release(m.stem)
		m.stem = nil
	}
	if m.entered {
		m.supervisor.queue.leave()
		m.entered = false
	}
}
