package supervisor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hotcell/ipc"
	"hotcell/shm"
	"hotcell/syscallpolicy"
)

// HostFunction is a function of the host application that a model may call, as
// hotcell.NAME. It runs in the supervisor's process, one at a time for each
// model, with a deadline that ctx has; what it gives after that is thrown away.
// What it is given is the model's word: bounded, checked, and a copy. The model
// learns of an error only that there was one; the log has it.
//
// It must not call the model that calls it, which is busy.
type HostFunction func(ctx context.Context, args []HostValue) (HostValue, error)

// HostValue is an argument or a result of a host function. Data are the bytes
// of an array, which Value.Ref describes; its offset is 0. Arguments without a
// name are _0, _1 and so on.
type HostValue struct {
	Name  string
	Value ipc.Value
	Data  []byte
}

// Bounds of host functions.
const (
	functionTime = 10 * time.Second
	exchangeSize = 16 << 20 // for the arrays of one call, each way
)

// functions are the host's, as one model may call them.
type functions struct {
	exchange *shm.Region // nil without functions
	running  chan struct{}
}

// offer adds the functions to a Load, and their region to its files.
func (m *Model) offer(load *ipc.Load) error {
	if len(m.spec.Functions) == 0 {
		return nil
	}
	load.Functions = slices.Sorted(maps.Keys(m.spec.Functions))
	for _, name := range load.Functions {
		if !shm.ValidName(name) || name == "empty" || strings.HasPrefix(name, "_") || m.spec.Functions[name] == nil {
			return setupError(UnmetInput, "%q is no name for a host function: use letters, digits and _, at most 64, not empty and not a _ first", clip(name, 80))
		}
	}
	region, err := shm.Create("functions", exchangeSize)
	if err != nil {
		return err
	}
	m.functions = functions{exchange: region, running: make(chan struct{}, 1)}
	load.Exchange = exchangeSize
	return nil
}

// invoke decides a call of a host function, makes it, and gives the answer.
func (m *Model) invoke(call *ipc.Invoke) (*ipc.Returned, error) {
	m.counted()
	operation := syscallpolicy.Operation{Kind: syscallpolicy.KindCall, Target: call.Function, Time: time.Now()}
	function := m.spec.Functions[call.Function]
	if decision := m.decide(operation); decision.Effect != syscallpolicy.Allow || function == nil {
		return unmade("calling %s is not allowed: %s", clip(call.Function, 1<<10), m.spec.Policy.Advice(operation, decision)), nil
	}
	args, err := m.functions.arguments(call.Args)
	if err != nil {
		return nil, fmt.Errorf("%w: arguments of a host function: %w", ipc.ErrFrame, err)
	}
	value, err := m.functions.run(function, args, m.ended)
	if err == nil {
		value.Value, err = m.functions.result(value)
	}
	if err != nil {
		m.log.Warn("host function failed", "function", call.Function, "error", clip(err.Error(), maxTarget))
		return unmade("the host's function %s failed", call.Function), nil
	}
	return &ipc.Returned{Value: value.Value}, nil
}

func unmade(format string, args ...any) *ipc.Returned {
	return &ipc.Returned{Failed: true, Text: clip(fmt.Sprintf(format, args...), 4<<10)}
}

// offered tells a call of a function that the host gave this model, unless a
// rule has spoken of it.
func (m *Model) offered(operation syscallpolicy.Operation, decision syscallpolicy.Decision) bool {
	if operation.Kind != syscallpolicy.KindCall || decision.Rule != syscallpolicy.DefaultRule {
		return false
	}
	_, ok := m.spec.Functions[operation.Target]
	return ok
}

// arguments copies what the sandbox passes, and then looks at the copy.
func (f *functions) arguments(args []ipc.Arg) ([]HostValue, error) {
	if _, err := checkResults(args, f.exchange.Size()); err != nil {
		return nil, err
	}
	if err := readSpans(args, f.exchange); err != nil {
		return nil, err
	}
	var values []HostValue
	for _, arg := range args {
		v := HostValue{Name: arg.Name, Value: arg.Value}
		if arg.Value.Kind == ipc.KindArray {
			n, _ := arg.Value.Ref.Bytes()
			v.Data = make([]byte, n)
			if _, err := f.exchange.ReadAt(v.Data, arg.Value.Ref.Offset); err != nil && n > 0 {
				return nil, err
			}
			v.Value.Ref.Offset = 0
		}
		values = append(values, v)
	}
	return values, nil
}

// run calls with a deadline. A function that outlasts it is left alone, and
// while it goes on this model calls no other.
func (f *functions) run(function HostFunction, args []HostValue, ended <-chan struct{}) (HostValue, error) {
	select {
	case f.running <- struct{}{}:
	default:
		return HostValue{}, fmt.Errorf("an earlier call of this model has not returned yet")
	}
	type outcome struct {
		value HostValue
		err   error
	}
	ctx, cancel := context.WithTimeout(context.Background(), functionTime)
	defer cancel()
	done := make(chan outcome, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- outcome{err: fmt.Errorf("panic: %v", p)}
			}
			<-f.running
		}()
		value, err := function(ctx, args)
		done <- outcome{value, err}
	}()
	select {
	case got := <-done:
		return got.value, got.err
	case <-ctx.Done():
		return HostValue{}, fmt.Errorf("it took longer than %v", functionTime)
	case <-ended:
		return HostValue{}, fmt.Errorf("the model ended meanwhile")
	}
}

// result puts an array where the sandbox reads it.
func (f *functions) result(v HostValue) (ipc.Value, error) {
	switch v.Value.Kind {
	case ipc.KindArray:
		ref := v.Value.Ref
		ref.Name, ref.Offset = "result", 0
		n, err := ref.Bytes()
		if err != nil || n != int64(len(v.Data)) || n > f.exchange.Size() {
			return v.Value, fmt.Errorf("its array of %d bytes does not fit its description, or the %d bytes there are", len(v.Data), f.exchange.Size())
		}
		if _, err := f.exchange.WriteAt(v.Data, 0); err != nil && n > 0 {
			return v.Value, err
		}
		v.Value.Ref = ref
	case ipc.KindText:
		if len(v.Value.Text) > maxText {
			return v.Value, fmt.Errorf("its text of %d bytes is longer than %d", len(v.Value.Text), maxText)
		}
		if len(v.Value.Text) > 8<<10 {
			if _, err := f.exchange.WriteAt([]byte(v.Value.Text), 0); err != nil {
				return v.Value, err
			}
			return ipc.Value{Kind: ipc.KindSpan, Size: uint64(len(v.Value.Text))}, nil
		}
	case ipc.KindSpan, ipc.KindList, ipc.KindDict:
		return v.Value, fmt.Errorf("it gave a list or a dict, which does not cross")
	}
	return v.Value, nil
}

func (f *functions) close() {
	if f.exchange != nil {
		f.exchange.Close()
	}
}
