package supervisor

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/ipc"
	"hotcell/shm"
)

// deliverySource gives a small array, text that needs the output, and an array
// of which it may keep a second reference or that it writes while the host looks.
const deliverySource = `
import threading, time
import numpy as np
import hotcell

kept = []

def model(n, how):
    y = hotcell.empty('y', 4)
    y[:] = n
    if how == 'keep':
        kept.append(y)
    if how == 'write':
        def write():
            while True:
                y[:] += 1
        threading.Thread(target=write, daemon=True).start()
    return {'y': y, 'z': np.arange(3) * n, 'text': 'x' * 9000}
`

func TestSealedResults(t *testing.T) {
	m := launchSource(t, deliverySource)
	var held []*Results
	for _, test := range []struct {
		how      string
		delivery Delivery
		sealed   bool
	}{
		{"plain", Sealed, true}, {"plain", Sealed, true}, {"plain", Copied, false}, {"keep", Sealed, false}, {"plain", Sealed, true}, {"write", Sealed, false},
		{"plain", Sealed, true}, {"plain", Copied, false},
	} {
		n := float64(len(held) + 1)
		r, err := m.Call(t.Context(), Call{Inputs: []Input{floatInput("n", n), textInput("how", test.how)}, Results: test.delivery})
		if err != nil {
			t.Fatalf("%s: %v", test.how, err)
		}
		defer r.Close()
		held = append(held, r)
		seals, err := unix.FcntlInt(r.Region.File().Fd(), unix.F_GET_SEALS, 0)
		if err != nil {
			t.Fatal(err)
		}
		if sealed := seals&unix.F_SEAL_WRITE != 0; sealed != test.sealed {
			t.Errorf("%s, delivery %d: sealed is %v; want %v", test.how, test.delivery, sealed, test.sealed)
		}
	}
	// All of them are as they were when they came.
	before := make([][]float64, len(held))
	for round := range 2 {
		for i, r := range held {
			y, err := shm.Of[float64](r.Region, r.Values[0].Value.Ref)
			if err != nil {
				t.Fatal(err)
			}
			z, err := shm.Of[float64](r.Region, r.Values[1].Value.Ref)
			n := float64(i + 1)
			if err != nil || !slices.Equal(z, []float64{0, n, 2 * n}) {
				t.Errorf("result %d: z is %v, %v", i, z, err)
			}
			if text := r.Values[2].Value.Text; len(text) != 9000 {
				t.Errorf("result %d has a text of %d bytes", i, len(text))
			}
			if round == 0 {
				before[i] = slices.Clone(y)
			} else if !slices.Equal(before[i], y) {
				t.Errorf("result %d changed from %v to %v", i, before[i], y)
			}
			if i != 5 && !slices.Equal(y, []float64{n, n, n, n}) { // 5 is being written when it is copied
				t.Errorf("result %d: y is %v", i, y)
			}
		}
	}
}

// A live result is the memory that the model writes.
func TestLiveResults(t *testing.T) {
	m := launchSource(t, deliverySource)
	r, err := m.Call(t.Context(), Call{Inputs: []Input{floatInput("n", 1), textInput("how", "write")}, Results: Live})
	if err != nil {
		t.Fatal(err)
	}
	y, err := shm.Of[float64](r.Region, r.Values[0].Value.Ref)
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return y[3] > 100 })
	if len(r.Values[2].Value.Text) != 9000 {
		t.Errorf("the text has %d bytes", len(r.Values[2].Value.Text))
	}
	r.Close()
	r, err = m.Call(t.Context(), Call{Inputs: []Input{floatInput("n", 2), textInput("how", "plain")}})
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
}

// A sealed call that raises leaves the model as usable as any.
func TestSealedCallThatRaises(t *testing.T) {
	m := launchSource(t, "import numpy as np\n\ndef model(n):\n    return np.full(int(1 / n), 7.0)\n")
	for _, n := range []float64{0, 1, 0, 1} {
		for _, d := range []Delivery{Sealed, Copied, Live} {
			r, err := m.Call(t.Context(), Call{Inputs: []Input{floatInput("n", n)}, Results: d})
			if (err != nil) != (n == 0) {
				t.Fatalf("n = %v, delivery %d: %v", n, d, err)
			}
			if err == nil {
				if x, err := shm.Of[float64](r.Region, r.Values[0].Value.Ref); err != nil || x[0] != 7 {
					t.Errorf("delivery %d: %v, %v", d, x, err)
				}
			}
			r.Close()
		}
	}
}

// launchSource launches a model that stays until the test's end.
func launchSource(t *testing.T, source string) *Model {
	t.Helper()
	s := testSupervisor(t)
	spec := testSpec(t, source)
	spec.Arrays = true
	m, err := s.Launch(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func floatInput(name string, v float64) Input {
	return Input{Name: name, Value: ipc.Value{Kind: ipc.KindFloat, Float: v}}
}

func textInput(name, v string) Input {
	return Input{Name: name, Value: ipc.Value{Kind: ipc.KindText, Text: v}}
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come")
		}
	}
}
