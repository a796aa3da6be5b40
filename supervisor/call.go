package supervisor

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"hotcell/ipc"
	"hotcell/shm"
)

// Call is one call of a launched model.
type Call struct {
	// Inputs are passed by name, beside those bound at the launch. An array
	// that is not the whole of its region is copied; the model sees no byte
	// around it, and what it keeps of one changes with its next call.
	Inputs []Input

	// Out are arrays for the model to write: it gets each under its name, and
	// each is a result.
	Out []shm.Ref

	// Timeout bounds this call; 0, or more than the model's, is the model's.
	Timeout time.Duration

	// Results says how the host gets arrays.
	Results Delivery
}

// Delivery is a way in which the arrays of a call become the host's.
type Delivery uint8

const (
	// Copied results are copied once, into memory that the supervisor keeps for
	// the model's calls: the default, and the fastest way to have what a
	// sandbox cannot change.
	Copied Delivery = iota

	// Sealed results stay where the model wrote them, in a region of this call's
	// own: the sandbox gives it up and the kernel proves that nobody can write
	// it. There is no copy, but each call has fresh pages, which cost more
	// (bench: go run ./bench call). The pages count as the model's memory as
	// long as the host has the results. Of a model that keeps such an array for
	// itself the results are copied all the same.
	Sealed

	// Live results are not made stable: the host looks at the memory that the
	// sandbox writes, until the next call. The model may change the numbers at
	// any time; the shapes and types are the host's copy. For hosts that copy
	// or use each number once.
	Live
)

// ErrBusy says that a call is in flight: a model takes one at a time.
var ErrBusy = errors.New("the model is being called")

// Call calls the model. An error is ErrBusy or a *Cause. A model that raised,
// or returned what cannot cross, may be called again; after any other cause it
// has ended, and Close says so too.
//
// The end of ctx ends the model: nothing else stops a call that has begun.
func (m *Model) Call(ctx context.Context, c Call) (*Results, error) {
	if !m.calling.TryLock() {
		return nil, ErrBusy
	}
	defer m.calling.Unlock()
	results, cause := m.call(ctx, c)
	if cause != nil {
		return nil, cause
	}
	return results, nil
}

// Ended is closed when the model has ended; Close then does not wait for it.
func (m *Model) Ended() <-chan struct{} { return m.ended }

// Cancel ends the model, whatever it is doing. It may be called from any
// goroutine, before Close.
func (m *Model) Cancel() {
	m.end(&Cause{Verdict: Cancelled, Source: FromSupervisor, Reason: "cancelled by the host"})
}

// Forget has the model give up a region that the host will not pass again. The
// sandbox is told with its next call. Without it the regions of the last 64
// arrays stay mapped there, and a region that is passed anew must not be
// another in the place of a closed one.
func (m *Model) Forget(region *shm.Region) {
	m.calling.Lock()
	defer m.calling.Unlock()
	m.granted.drop(region)
}

// Now is how the model stands while it lives: its usage and operations so far.
// The cause is OK. It is not called after Close.
func (m *Model) Now() *Outcome {
	o := &Outcome{
		Cause:  &Cause{Verdict: OK, Source: FromSupervisor, Reason: "the model is running"},
		Limits: m.limits, Isolation: m.isolation(), Usage: m.usage(), Operations: m.record.snapshot(),
	}
	if cause := m.over(); cause != nil {
		o.Cause = cause
	}
	return o
}

// Close ends the model if it has not ended, gives up all that it held and says
// how it ended and what it cost. It is called once, when no call is in flight;
// results that the host has stay valid.
func (m *Model) Close() *Outcome {
	m.calling.Lock()
	return m.finish(&Cause{Verdict: OK, Source: FromSupervisor, Reason: "closed by the host"}, nil)
}

// call makes one call of a model that stays. A cause that leaves the model
// usable does not end it.
func (m *Model) call(ctx context.Context, c Call) (*Results, *Cause) {
	if cause := m.over(); cause != nil {
		return nil, cause
	}
	limit := m.limits.Timeout
	if c.Timeout > 0 {
		limit = min(limit, c.Timeout)
	}
	message, files, cause := m.callMessage(c)
	if cause != nil {
		return nil, cause
	}
	if len(files) > 0 {
		if err := m.makeRoom(); err != nil {
			return nil, m.end(internalError("%v", err))
		}
	}
	// A sandbox that does not read holds up the frames of another output as it
	// does the call's: the clock runs for all of them.
	defer m.endWith(ctx)()
	m.calls.Add(1)
	m.clock.begin(limit, m.outOfTime)
	defer m.clock.rest()
	fresh, cause := m.ownOutput(c.Results)
	if cause != nil {
		return nil, cause
	}
	answer, cause := m.exchange(message, files...)
	if fresh != nil {
		cause = m.usualOutput(cause)
	}
	m.clock.rest()
	if cause == nil {
		cause = m.over() // an answer that came with the end is none
	}
	if cause != nil {
		if fresh != nil {
			fresh.Close()
		}
		return nil, cause
	}
	if result, ok := answer.(*ipc.Result); ok {
		return m.deliver(c.Results, result, message.Out, fresh)
	}
	if fresh != nil {
		fresh.Close()
	}
	switch answer := answer.(type) {
	case *ipc.Exception:
		return nil, m.refused(answer)
	default:
		return nil, m.end(forged("a %v message in answer to call", answer.Type()))
	}
}

// onlyCall makes the one call of a run, with what was bound at the launch, and
// ends the model. Its results stay where the sandbox wrote them: it is dead,
// and the seal proves that nobody can write them any more.
func (m *Model) onlyCall(ctx context.Context) (*Results, *Cause) {
	if err := m.limitCPU(); err != nil {
		return nil, m.end(internalError("%v", err))
	}
	m.calls.Add(1)
	m.clock.begin(m.limits.Timeout-m.clock.reading(), func(time.Duration) { m.outOfTime(m.limits.Timeout) })
	defer m.endWith(ctx)()
	answer, cause := m.exchange(&ipc.Call{})
	if cause != nil {
		return nil, cause
	}
	m.logs.drain(time.Second) // too much of it came before; a thread may go on printing
	switch answer := answer.(type) {
	case *ipc.Result:
		cause := m.end(&Cause{Verdict: OK, Source: FromSupervisor, Reason: "the model returned"})
		if cause.Verdict != OK {
			return nil, cause
		}
		return m.take(answer)
	case *ipc.Exception:
		return nil, m.end(m.refused(answer))
	default:
		return nil, m.end(forged("a %v message in answer to call", answer.Type()))
	}
}

// refused is an exception in answer to a call.
func (m *Model) refused(answer *ipc.Exception) *Cause {
	if answer.Cause == ipc.CauseSyntax || answer.Cause == ipc.CauseNoFunction {
		return m.end(forged("an error of loading in answer to call"))
	}
	cause := m.raised(answer)
	if cause.Source != FromModel {
		return m.end(cause)
	}
	return cause
}

// endWith has the context's end end the model, until the function that it gives
// is called.
func (m *Model) endWith(ctx context.Context) (stop func() bool) {
	if ctx.Done() == nil {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, m.Cancel)
}

// exchange sends one message and waits for its answer.
func (m *Model) exchange(send ipc.Message, files ...*os.File) (ipc.Message, *Cause) {
	if err := m.sandbox.conn.Send(send, 0, files...); err != nil {
		return nil, m.broken(err)
	}
	answer, _, _, err := receiveSoon(m.sandbox.conn, 0)
	if err != nil {
		return nil, m.broken(err)
	}
	return answer, nil
}

// bind adds to a Load what every call gets, and the output. It gives the
// frame's files.
func (m *Model) bind(load *ipc.Load, inputs []Input, files []*os.File) ([]*os.File, error) {
	for _, in := range inputs {
		load.Args = append(load.Args, ipc.Arg{Name: in.Name, Value: in.Value})
		if in.Region == nil {
			continue
		}
		n, err := checkInput(in)
		if err != nil {
			return nil, err
		}
		m.bytesIn.Add(n)
		var named ipc.Region
		if whole(in.Value.Ref, in.Region) {
			var file *os.File
			if named, file = m.granted.name(in.Region); file != nil {
				files = append(files, file)
			}
		} else {
			// Granted exactly: it has no number, as no call names it again.
			named = ipc.Region{Size: uint64(in.Region.Size()), Passed: true}
			files = append(files, in.Region.File())
		}
		load.Regions = append(load.Regions, named)
	}
	if err := m.makeOutput(load); err != nil {
		return nil, err
	}
	if load.Output > 0 && !load.Mapped {
		files = append(files, m.output.File())
	}
	if err := m.offer(load); err != nil {
		return nil, err
	}
	if load.Exchange > 0 {
		files = append(files, m.functions.exchange.File())
	}
	return files, fits(load, files)
}

// callMessage names a call's inputs on the wire.
func (m *Model) callMessage(c Call) (*ipc.Call, []*os.File, *Cause) {
	message, files, err := m.prepareCall(c)
	if err != nil {
		if cause, ok := errors.AsType[*Cause](err); ok {
			return nil, nil, cause
		}
		return nil, nil, m.end(internalError("prepare a call: %v", err))
	}
	return message, files, nil
}

func (m *Model) prepareCall(c Call) (*ipc.Call, []*os.File, error) {
	message := &ipc.Call{}
	var files []*os.File
	var passed []*shm.Region // by this call first
	m.granted.calls++
	for _, in := range c.Inputs {
		if in.Region != nil {
			if _, err := checkInput(in); err != nil {
				return nil, nil, err
			}
		}
	}
	var err error
	if message.Out, err = m.declare(c.Out); err != nil {
		return nil, nil, err
	}
	if err := m.granted.reserve(c.Inputs); err != nil {
		return nil, nil, err
	}
	for _, in := range c.Inputs {
		arg := ipc.Arg{Name: in.Name, Value: in.Value}
		if in.Region != nil {
			ref, region, err := m.granted.place(in)
			if err != nil {
				m.granted.takeBack(passed)
				return nil, nil, err
			}
			named, file := m.granted.name(region)
			if file != nil {
				files = append(files, file)
				passed = append(passed, region)
			}
			message.Regions = append(message.Regions, named)
			arg.Value.Ref = ref
			n, _ := ref.Bytes()
			m.bytesIn.Add(n)
		}
		message.Args = append(message.Args, arg)
	}
	m.granted.settle()
	message.Forget = m.granted.forget
	if err := fits(message, files); err != nil {
		m.granted.takeBack(passed)
		return nil, nil, err
	}
	m.granted.forget = nil
	return message, files, nil
}

// declare gives the arrays that the model is to write their places in the
// output.
func (m *Model) declare(out []shm.Ref) ([]ipc.Arg, error) {
	var args []ipc.Arg
	at := int64(0)
	if len(out) > maxResults {
		return nil, setupError(UnmetInput, "%d output arrays, at most %d are possible", len(out), maxResults)
	}
	for _, ref := range out {
		if slices.ContainsFunc(args, func(a ipc.Arg) bool { return a.Name == ref.Name }) {
			return nil, setupError(UnmetInput, "two output arrays are named %s", clip(ref.Name, 80))
		}
		ref.Offset = shm.AlignUp(at)
		if err := ref.Check(m.output.Size()); err != nil || !shm.ValidName(ref.Name) {
			return nil, setupError(UnmetInput, "output array %s: %v; all that a call gives back may take %d bytes",
				clip(ref.Name, 80), err, m.output.Size())
		}
		n, _ := ref.Bytes()
		at = ref.Offset + n
		args = append(args, ipc.Arg{Name: ref.Name, Value: ipc.Value{Kind: ipc.KindArray, Ref: ref}})
	}
	return args, nil
}

// checkInput gives an array's size. Its offset need not be aligned: a slice
// begins anywhere.
func checkInput(in Input) (int64, error) {
	n, err := in.Value.Ref.Bytes()
	if err != nil {
		return 0, setupError(UnmetInput, "input %s: %v", clip(in.Name, 80), err)
	}
	if o := in.Value.Ref.Offset; o < 0 || n > in.Region.Size() || o > in.Region.Size()-n {
		return 0, setupError(UnmetInput, "input %s: %d bytes at offset %d lie outside the region of %d", clip(in.Name, 80), n, o, in.Region.Size())
	}
	return n, nil
}

// fits checks a message that a user's inputs made.
func fits(m ipc.Message, files []*os.File) error {
	if n := ipc.Size(m); n > ipc.MaxFrame || len(files) > ipc.MaxDescriptors {
		return setupError(UnmetInput, "too many or too large inputs: %d bytes besides the arrays and %d arrays, at most %d and %d fit",
			n, len(files), ipc.MaxFrame, ipc.MaxDescriptors-2)
	}
	return nil
}

// take makes the results of a dead sandbox stable before anything looks at
// them.
func (m *Model) take(result *ipc.Result) (*Results, *Cause) {
	output := m.output
	m.output = nil
	m.endProcess()
	if err := sealDead(output); err != nil {
		output.Close()
		return nil, internalError("%v", err)
	}
	_, err := checkResults(result.Values, output.Size())
	if err == nil {
		err = readSpans(result.Values, output)
	}
	if err != nil {
		output.Close()
		return nil, forged("a result that is none: %v", err)
	}
	m.bytesOut.Add(arrayBytes(result.Values))
	return &Results{Values: result.Values, Region: output}, &Cause{Verdict: OK, Source: FromSupervisor, Reason: "the model returned"}
}
