package supervisor

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"hotcell/ipc"
	"hotcell/shm"
)

// launchModel launches a model that the test's end closes.
func launchModel(t testing.TB, s *Supervisor, source string, inputs ...Input) *Model {
	t.Helper()
	spec := testSpec(t, source)
	spec.Arrays = true
	return launchSpec(t, s, spec, inputs...)
}

func launchSpec(t testing.TB, s *Supervisor, spec Spec, inputs ...Input) *Model {
	t.Helper()
	m, err := s.Launch(t.Context(), spec, inputs...)
	if err != nil {
		t.Fatalf("launch: %v", err)
	}
	t.Cleanup(func() { closeModel(t, m) })
	return m
}

func closeModel(t testing.TB, m *Model) *Outcome {
	t.Helper()
	o := m.Close()
	if o.Cause.Verdict == InternalError {
		t.Errorf("close: %v", o.Cause)
	}
	return o
}

// floats is a frozen region of numbers, 0, 1, 2 ...
func floats(t testing.TB, n int) *shm.Region {
	t.Helper()
	b := make([]byte, 8*n)
	for i := range n {
		binary.LittleEndian.PutUint64(b[8*i:], math.Float64bits(float64(i)))
	}
	return region(t, b)
}

// slice is numbers [from, to) of a region of them.
func slice(name string, r *shm.Region, from, to int64) Input {
	return ArrayInput(name, shm.Ref{DType: must(shm.ParseDType("<f8")), Shape: []int64{to - from}, Offset: 8 * from}, r)
}

func number(name string, n int64) Input {
	return Input{Name: name, Value: ipc.Value{Kind: ipc.KindInt, Int: big.NewInt(n)}}
}

// callFor makes a call and wants one number.
func callFor(t testing.TB, m *Model, inputs ...Input) float64 {
	t.Helper()
	r, err := m.Call(context.Background(), Call{Inputs: inputs})
	if err != nil {
		t.Fatalf("call: %v", err)
	}
	defer r.Close()
	switch v := r.Values[0].Value; v.Kind {
	case ipc.KindFloat:
		return v.Float
	case ipc.KindInt:
		return float64(v.Int.Int64())
	default:
		t.Fatalf("result is %+v, want a number", v)
		return 0
	}
}

// wantCause makes a call and wants it to fail.
func wantCause(t testing.TB, m *Model, want Verdict, inputs ...Input) *Cause {
	t.Helper()
	_, err := m.Call(context.Background(), Call{Inputs: inputs})
	cause, ok := errors.AsType[*Cause](err)
	if !ok || cause.Verdict != want {
		t.Fatalf("call = %v; want %s", err, want)
	}
	return cause
}

func TestCallsKeepState(t *testing.T) {
	m := launchModel(t, testSupervisor(t), "n = 0\n\n\ndef model(add):\n    global n\n    n += add\n    return n\n")
	for i, want := range []float64{3, 6, 9} {
		if got := callFor(t, m, number("add", 3)); got != want {
			t.Errorf("call %d = %g; want %g", i, got, want)
		}
	}
}

// A model that raises goes on, one that is wrongly called too; a limit ends
// it.
func TestCallsThatFail(t *testing.T) {
	spec := testSpec(t, `
import time


def model(way):
    if way == 0:
        return 1
    if way == 1:
        raise ValueError("one")
    if way == 2:
        return object()
    if way == 3:
        return model(3)
    if way == 4:
        return bytearray(1 << 30)
    time.sleep(60)
`)
	m := launchSpec(t, testSupervisor(t), spec)
	for i, want := range []Verdict{Exception, InvalidResult, RecursionLimit, MemoryLimit} {
		cause := wantCause(t, m, want, number("way", int64(i+1)))
		if cause.Source != FromModel {
			t.Errorf("%s is the word of %s; want model's", want, cause.Source)
		}
		if got := callFor(t, m, number("way", 0)); got != 1 {
			t.Errorf("after %s: %g; want 1", want, got)
		}
	}
	wantCause(t, m, SetupError, number("wrong", 0))
	_, err := m.Call(t.Context(), Call{Inputs: []Input{number("way", 9)}, Timeout: 100 * time.Millisecond})
	cause, _ := errors.AsType[*Cause](err)
	if cause == nil || cause.Verdict != WallTimeLimit || !strings.Contains(cause.Reason, "100ms") {
		t.Fatalf("a call of 100 ms = %v; want a wall-time-limit", err)
	}
	if again := wantCause(t, m, WallTimeLimit, number("way", 0)); again != cause {
		t.Errorf("a call of an ended model = %v; want %v", again, cause)
	}
}

// Limits of time are a call's: many short calls go on beyond them.
func TestLimitsAreOfACall(t *testing.T) {
	spec := testSpec(t, "import time\n\n\ndef model():\n    end = time.monotonic() + 0.12\n    while time.monotonic() < end:\n        pass\n    return 1\n")
	limits := spec.Policy.Limits()
	limits.Timeout, limits.CPUTime = 600*time.Millisecond, 600*time.Millisecond
	spec.Policy = must(spec.Policy.WithLimits(limits))
	m := launchSpec(t, testSupervisor(t), spec)
	for range 10 {
		callFor(t, m)
	}
}

func TestOneCallInFlight(t *testing.T) {
	m := launchModel(t, testSupervisor(t), "import time\n\n\ndef model():\n    print('in', flush=True)\n    time.sleep(60)\n")
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := m.Call(ctx, Call{})
		first <- err
	}()
	for m.calls.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := m.Call(t.Context(), Call{}); !errors.Is(err, ErrBusy) {
		t.Errorf("a second call = %v; want ErrBusy", err)
	}
	cancel()
	cause, ok := errors.AsType[*Cause](<-first)
	if !ok || cause.Verdict != Cancelled {
		t.Errorf("the cancelled call = %v; want cancelled", cause)
	}
	<-m.Ended()
}

// A thread of the model asks between calls; its answer and the next call do
// not meet.
func TestAskingBetweenCalls(t *testing.T) {
	m := launchModel(t, testSupervisor(t), `
import threading


def ask():
    global asked
    while True:
        try:
            import fractions
        except ImportError:
            asked += 1


asked = 0
threading.Thread(target=ask, daemon=True).start()


def model(n):
    return n + (asked < 0)
`)
	for i := range 300 {
		if got := callFor(t, m, number("n", int64(i))); got != float64(i) {
			t.Fatalf("call %d = %g", i, got)
		}
	}
}

const sums = `
import numpy as np


def model(**arrays):
    return float(sum(a.sum() for a in arrays.values()))
`

func sum(from, to int64) float64 { return float64(to*(to-1)-from*(from-1)) / 2 }

// Whole arrays go over once and are named again; parts are copied. Each call
// may name others.
func TestArraysOfCalls(t *testing.T) {
	s := testSupervisor(t)
	a, b := floats(t, 1000), floats(t, 5000)
	m := launchModel(t, s, sums, slice("bound", b, 100, 4000))
	bound := sum(100, 4000)
	for range 3 {
		if got, want := callFor(t, m), bound; got != want {
			t.Errorf("bound = %g; want %g", got, want)
		}
		if got, want := callFor(t, m, slice("x", a, 0, 1000)), bound+sum(0, 1000); got != want {
			t.Errorf("whole = %g; want %g", got, want)
		}
		if got, want := callFor(t, m, slice("x", a, 7, 900), slice("y", b, 3, 5)), bound+sum(7, 900)+sum(3, 5); got != want {
			t.Errorf("parts = %g; want %g", got, want)
		}
		// More than the arena has had room for.
		if got, want := callFor(t, m, slice("x", b, 1, 5000)), bound+sum(1, 5000); got != want {
			t.Errorf("a larger part = %g; want %g", got, want)
		}
	}
	wantCause(t, m, SetupError, slice("x", a, 500, 1001))
	for range maxGranted + 10 {
		r := floats(t, 10)
		if got, want := callFor(t, m, slice("x", r, 0, 10)), bound+sum(0, 10); got != want {
			t.Errorf("one of many = %g; want %g", got, want)
		}
	}
	if n := len(m.granted.known); n > maxGranted {
		t.Errorf("%d regions are kept; want at most %d", n, maxGranted)
	}
}

// The model reads all that lies on the pages of its slice.
func TestSliceIsExact(t *testing.T) {
	m := launchModel(t, testSupervisor(t), `
import ctypes

import numpy as np


def model(x):
    address = x.__array_interface__["data"][0]
    first = address // 4096 * 4096
    end = (address + x.nbytes + 4095) // 4096 * 4096
    around = bytearray(ctypes.string_at(first, end - first))
    inside = around[address - first : address - first + x.nbytes]
    around[address - first : address - first + x.nbytes] = bytes(x.nbytes)
    return {"inside": inside == x.tobytes(), "around": any(around), "first": x[0], "pages": (end - first) // 4096}
`, slice("x", floats(t, 5000), 1000, 3000))
	r, err := m.Call(t.Context(), Call{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if !r.Values[0].Value.Bool || r.Values[1].Value.Bool {
		t.Errorf("inside is right: %v, something lies around it: %v; want true, false", r.Values[0].Value.Bool, r.Values[1].Value.Bool)
	}
	if pages := r.Values[3].Value.Int.Int64(); pages < 4 {
		t.Errorf("%d pages: none of them is the region's own", pages)
	}
}

// Arrays that the host or the model asked for are results where they lie.
func TestArraysToWrite(t *testing.T) {
	m := launchModel(t, testSupervisor(t), `
import hotcell
import numpy as np


def model(out):
    out[:] = 2
    more = hotcell.empty("more", (2, 3), "i4")
    more[:] = 7
    return {"rest": np.arange(3.0), "more": more, "n": 5}
`)
	for range 2 {
		r, err := m.Call(t.Context(), Call{Out: []shm.Ref{{Name: "out", DType: must(shm.ParseDType("<f8")), Shape: []int64{1000}}}})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, v := range r.Values {
			names = append(names, v.Name)
		}
		if got := strings.Join(names, " "); got != "out more rest n" {
			t.Errorf("results are %s; want out more rest n", got)
		}
		one := make([]byte, 8)
		if _, err := r.Region.ReadAt(one, r.Values[0].Value.Ref.Offset+8*999); err != nil {
			t.Fatal(err)
		}
		if got := math.Float64frombits(binary.LittleEndian.Uint64(one)); got != 2 {
			t.Errorf("out[999] = %g; want 2", got)
		}
		r.Close()
	}
}

// A call that is refused has passed nothing: the next one does.
func TestRefusedCallPassesNothing(t *testing.T) {
	m := launchModel(t, testSupervisor(t), "def model(x, **out):\n    return float(x.sum())\n")
	x := slice("x", floats(t, 10), 0, 10)
	z := shm.Ref{Name: "z", DType: must(shm.ParseDType("<f8")), Shape: []int64{1}}
	large := z
	large.Shape = []int64{1 << 40}
	long := Input{Name: "y", Value: ipc.Value{Kind: ipc.KindText, Text: strings.Repeat("y", ipc.MaxFrame)}}
	for what, c := range map[string]Call{
		"too large an output":   {Inputs: []Input{x}, Out: []shm.Ref{large}},
		"two outputs of a name": {Inputs: []Input{x}, Out: []shm.Ref{z, z}},
		"too long a frame":      {Inputs: []Input{x, long}},
	} {
		_, err := m.Call(t.Context(), c)
		if cause, ok := errors.AsType[*Cause](err); !ok || cause.Verdict != SetupError {
			t.Errorf("%s: %v; want setup-error", what, err)
		}
	}
	if got := callFor(t, m, x); got != 45 {
		t.Errorf("the call after = %g; want 45", got)
	}
}

// What a model writes after its answer is not seen.
func TestKeptResultsAreStable(t *testing.T) {
	m := launchModel(t, testSupervisor(t), `
import threading

import hotcell
import numpy as np


def scribble(out):
    while True:
        out[:] = 9


def model():
    out = hotcell.empty("out", 1000, "u1")
    out[:] = 1
    threading.Thread(target=scribble, args=(out,), daemon=True).start()
`)
	r, err := m.Call(t.Context(), Call{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	first, again := make([]byte, 1000), make([]byte, 1000)
	r.Region.ReadAt(first, 0)
	live := make([]byte, 1000)
	for live[0] != 9 {
		time.Sleep(time.Millisecond)
		m.output.ReadAt(live, 0)
	}
	r.Region.ReadAt(again, 0)
	if string(first) != string(again) {
		t.Error("a result changed after it was handed over")
	}
}

func BenchmarkCall(b *testing.B) {
	m := launchModel(b, testSupervisor(b), "def model(x):\n    return x\n", slice("x", floats(b, 1), 0, 1))
	for b.Loop() {
		r, err := m.Call(context.Background(), Call{})
		if err != nil {
			b.Fatal(err)
		}
		r.Close()
	}
}

// The model takes what a call passes before the shim can close it: it sees no
// more than the shim would have shown it, and can change none of it.
func TestStolenDescriptors(t *testing.T) {
	source, err := os.ReadFile("../testdata/resident/stolen.py")
	if err != nil {
		t.Fatal(err)
	}
	s := testSupervisor(t)
	spec := testSpec(t, string(source))
	spec.Arrays = true
	spec.Policy = must(spec.Policy.WithModules("test", "_socket"))
	inside := shm.Ref{DType: must(shm.ParseDType("|u1")), Shape: []int64{800}, Offset: 8000}
	around := make([]byte, 64<<10)
	for i := range around {
		if i < 8000 || i >= 8800 {
			around[i] = 0xEE
		}
	}
	larger := region(t, around)
	m := launchSpec(t, s, spec)
	r, err := m.Call(t.Context(), Call{Inputs: []Input{slice("whole", floats(t, 100), 0, 100), ArrayInput("part", inside, larger)}})
	if err != nil {
		t.Fatalf("%v\n%s%s", err, m.logs.stdout.kept, m.logs.stderr.kept)
	}
	defer r.Close()
	if n := r.Values[0].Value.Float; r.Values[0].Name != "attempts" || n < 30 {
		t.Errorf("%s = %g; want at least 30 attempts", r.Values[0].Name, n)
	}
}

// region is a frozen region of bytes.
func region(t testing.TB, b []byte) *shm.Region {
	t.Helper()
	r, err := shm.Frozen("test", b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}
