package supervisor

import (
	"context"
	"io"
	"testing"
	"time"
)

const hoarder = `
import mmap
import time

import numpy as np

kept = []


def model(heap=0, shared=0, drop=0, spin=0, table=None):
    if drop:
        kept.clear()
    if heap:
        kept.append(np.ones(heap, dtype=np.uint8))
    if shared:
        kept.append(mmap.mmap(-1, shared))
        kept[-1].write(b"x" * shared)
    began = time.process_time()
    while time.process_time() - began < spin / 1000:
        pass
    return 0.0 if table is None else float(table[-1])
`

func hoarderSpec(t *testing.T) Spec {
	t.Helper()
	spec := testSpec(t, hoarder)
	spec.Arrays = true
	var err error
	if spec.Policy, err = spec.Policy.WithModules("test", "mmap"); err != nil {
		t.Fatal(err)
	}
	return spec
}

// checkUsage compares what somebody sees who watches a model.
func checkUsage(t *testing.T, what string, u Usage, current, heap, peak int64) {
	t.Helper()
	const slack = 4 << 20 // the interpreter's own, from the hand-over
	for _, f := range []struct {
		name      string
		got, want int64
	}{
		{"memory_current_bytes", u.MemoryCurrentBytes, current}, {"memory_heap_bytes", u.MemoryHeapBytes, heap}, {"memory_peak_bytes", u.MemoryPeakBytes, peak},
	} {
		if f.got < f.want*9/10 || f.got > f.want*11/10+slack {
			t.Errorf("%s: %s is %d; want about %d", what, f.name, f.got, f.want)
		}
	}
}

// The figures of a model that stays: what it has now, what of that is its own,
// the most it had; arrays are apart.
func TestUsageOfResident(t *testing.T) {
	m, err := testSupervisor(t).Launch(t.Context(), hoarderSpec(t))
	if err != nil {
		t.Fatal(err)
	}
	const size = 64 << 20
	checkUsage(t, "at the hand-over", m.Now().Usage, 0, 0, 0)
	callFor(t, m, number("heap", size))
	checkUsage(t, "with a heap", m.Now().Usage, size, size, size)
	callFor(t, m, number("shared", size))
	// The bytes that it wrote there from were the peak.
	checkUsage(t, "with shared memory", m.Now().Usage, 2*size, size, 3*size)
	table := floats(t, size/8)
	callFor(t, m, slice("table", table, 0, size/8))
	checkUsage(t, "with an array", m.Now().Usage, 2*size, size, 3*size)
	if u := m.Now().Usage; u.ArrayBytesIn != size {
		t.Errorf("array_bytes_in is %d; want %d", u.ArrayBytesIn, int64(size))
	}
	callFor(t, m, number("drop", 1))
	checkUsage(t, "after it let go", m.Now().Usage, 0, 0, 3*size)
	callFor(t, m, number("heap", size))
	o := m.Close()
	checkUsage(t, "in the report", o.Usage, size, size, 3*size)
}

// While a call is under way its cost shows.
func TestUsageOfCall(t *testing.T) {
	m := launchSpec(t, testSupervisor(t), hoarderSpec(t))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.Call(ctx, Call{Inputs: []Input{number("heap", 32<<20), number("spin", 8000)}})
	}()
	var u Usage
	for deadline := time.Now().Add(20 * time.Second); u.CPUSeconds < 0.3 || u.MemoryHeapBytes < 32<<20; u = m.Now().Usage {
		if time.Now().After(deadline) {
			t.Fatalf("after a while: %+v", u)
		}
		time.Sleep(5 * time.Millisecond)
	}
	checkUsage(t, "in a call", u, 32<<20, 32<<20, 32<<20)
	if u.WallSeconds < 0.2 || u.LaunchSeconds <= 0 {
		t.Errorf("wall %vs, launch %vs", u.WallSeconds, u.LaunchSeconds)
	}
	cancel()
	<-done
}

// A process that died by itself has no memory, and a peak.
func TestUsageOfDead(t *testing.T) {
	spec := testSpec(t, "import os\nimport numpy as np\n\n\ndef model():\n    a = np.ones(64 << 20, dtype=np.uint8)\n    os._exit(a[0])\n")
	spec.Arrays = true
	spec.Stderr = io.Discard
	o := runModel(t, testSupervisor(t), spec, Crash)
	if o.Usage.MemoryHeapBytes > 1<<20 || o.Usage.MemoryPeakBytes < 60<<20 {
		t.Errorf("heap %d, peak %d", o.Usage.MemoryHeapBytes, o.Usage.MemoryPeakBytes)
	}
}
