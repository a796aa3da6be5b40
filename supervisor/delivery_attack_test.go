package supervisor

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// descriptorHoarder keeps a descriptor of each region for sealed results. It never writes
// them, so none of their pages is its own; what the host does with the results
// decides whose they become. With keep it has a writable mapping left, so that
// the supervisor copies.
const descriptorHoarder = `
import os, sys
import hotcell

hoard, mapped = [], []

def shim():
    frame = sys._getframe()
    while frame is not None:
        if 'Calls' in frame.f_globals and 'space' in frame.f_globals:
            return frame.f_globals
        frame = frame.f_back

def model(size, keep):
    if not hoard:
        kernel = shim()['space'].kernel
        real = kernel.map_region
        def map_region(fd, *rest):
            hoard.append(os.dup(fd))
            return real(fd, *rest)
        kernel.map_region = map_region
        hoard.append(-1)
    mapped.clear()
    y = hotcell.empty('y', int(size), 'u1')
    if keep:
        mapped.append(y)
`

// sharedMemory is what memory files take of the machine, in bytes.
func sharedMemory(t *testing.T) int64 {
	t.Helper()
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "Shmem:"); ok {
			n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n << 10
		}
	}
	t.Fatal("/proc/meminfo has no Shmem")
	return 0
}

// What a model keeps of regions for sealed results, its memory limit counts: it
// must not hold more of the machine than that.
func TestSealedRegionsAreNotHoarded(t *testing.T) {
	const size, calls = 32 << 20, 24
	for name, keep := range map[string]float64{"mapped": 1, "given up": 0} {
		t.Run(name, func(t *testing.T) {
			s := testSupervisor(t)
			spec := testSpec(t, descriptorHoarder)
			limits := spec.Policy.Limits()
			limits.Memory, limits.MaxOutput = 256<<20, size
			var err error
			if spec.Policy, err = spec.Policy.WithLimits(limits); err != nil {
				t.Fatal(err)
			}
			m := launchFrom(t, s, spec)
			before := sharedMemory(t)
			var looked []byte
			for range calls {
				r, err := m.Call(t.Context(), Call{Inputs: []Input{floatInput("size", size), floatInput("keep", keep)}, Results: Sealed})
				if err != nil {
					t.Fatal(err)
				}
				looked = append(looked[:0], make([]byte, size)...)
				if _, err := copyOf(r, looked); err != nil { // the host looks at all of it
					t.Fatal(err)
				}
				r.Close()
			}
			held := sharedMemory(t) - before
			o := m.Close()
			t.Logf("%s: %d MiB held after %d calls; the model's peak is %d MiB", name, held>>20, calls, o.Usage.MemoryPeakBytes>>20)
			if held > 256<<20 {
				t.Errorf("the model holds %d MiB of the machine; its limit is 256", held>>20)
			}
		})
	}
}

// copyOf has the host look at the bytes of results.
func copyOf(r *Results, into []byte) (int, error) {
	view, err := r.Region.View()
	if err != nil {
		return 0, err
	}
	return copy(into, view), nil
}

// deaf answers calls without reading them: the supervisor's sends fill the
// socket.
const deaf = `
import os, struct, sys

def model(text=''):
    # One good answer, of which this sends copies for ever: the process never
    # goes back to the loop that reads.
    frame = sys._getframe()
    while 'Calls' not in frame.f_globals or 'wire' not in frame.f_globals:
        frame = frame.f_back
    wire = frame.f_globals['wire']
    answer = wire.frame_of(wire.RESULT, [('result', 1)])
    while True:
        os.write(3, answer)
`

// A call ends at its limit of time, whatever the sandbox reads: also where the
// supervisor sends what is no call. The text decides which frame is the one that
// finds the socket full.
func TestSealedCallsOfADeafModelEnd(t *testing.T) {
	for _, length := range []int{0, 200, 500, 900, 1400, 2000} {
		t.Run(strconv.Itoa(length), func(t *testing.T) {
			s := testSupervisor(t)
			spec := testSpec(t, deaf)
			limits := spec.Policy.Limits()
			limits.Timeout, limits.CPUTime = time.Second, time.Hour
			var err error
			if spec.Policy, err = spec.Policy.WithLimits(limits); err != nil {
				t.Fatal(err)
			}
			m := launchFrom(t, s, spec)
			defer m.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			done := make(chan error, 1)
			made := 0
			go func() {
				for {
					if _, err := m.Call(ctx, Call{Inputs: []Input{textInput("text", strings.Repeat("x", length))}, Results: Sealed}); err != nil {
						done <- err
						return
					}
					made++
				}
			}()
			select {
			case err := <-done:
				t.Logf("ended after %d calls: %v", made, err)
			case <-time.After(10 * time.Second):
				t.Errorf("a call ended neither at its limit of 1 s nor with its context after 5 s")
				m.Cancel()
				t.Logf("after Cancel: %v", <-done)
			}
		})
	}
}
