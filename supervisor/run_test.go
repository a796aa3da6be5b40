package supervisor

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell/ipc"
)

// TestRunsLeaveNothing: no descriptor (TestMain looks), no goroutine, no
// control group, whatever the end was.
func TestRunsLeaveNothing(t *testing.T) {
	s := testSupervisor(t)
	before := runtime.NumGoroutine()
	for range 3 {
		for _, test := range []struct {
			source string
			want   Verdict
		}{
			{"def model():\n    return 1\n", OK},
			{"def model():\n    raise ValueError\n", Exception},
			{"import os\n\n\ndef model():\n    os._exit(3)\n", Crash},
			{"import os\n\n\ndef model():\n    os.close(3)\n    import time\n    time.sleep(60)\n", InvalidResult},
			{"import sys\n\n\ndef model():\n    print('x' * 2_000_000)\n", OutputLimit},
			{"def model(x):\n    return x\n", SetupError},
			{"def model(:\n", SetupError},
		} {
			runModel(t, s, testSpec(t, test.source), test.want).Results.Close()
		}
	}
	// What waits for a process goes on for a moment after it.
	for i := 0; runtime.NumGoroutine() > before+2 && i < 100; i++ {
		time.Sleep(10 * time.Millisecond)
	}
	if now := runtime.NumGoroutine(); now > before+2 {
		buffer := make([]byte, 1<<16)
		t.Errorf("%d goroutines, %d before\n%s", now, before, buffer[:runtime.Stack(buffer, true)])
	}
}

// A thread that goes on writing cannot change a result that was handed over:
// the sandbox is dead and the region sealed before anybody looks.
func TestResultsAreStable(t *testing.T) {
	s := testSupervisor(t)
	spec := testSpec(t, `
import ctypes
import threading

import numpy as np


def scribble(address, size):
    while True:
        ctypes.memset(address, 0xFF, size)


def model():
    # The output region is mapped in the range of grants, behind the inputs.
    for address in range(0x1000000000, 0x1000100000, 4096):
        try:
            out = (ctypes.c_char * 64).from_address(address)
        except ValueError:
            continue
        threading.Thread(target=scribble, args=(address, 800), daemon=True).start()
        break
    return np.zeros(100)
`)
	o := runModel(t, s, spec, OK)
	first := make([]byte, 800)
	ref := o.Results.Values[0].Value.Ref
	if _, err := o.Results.Region.ReadAt(first, ref.Offset); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
	second := make([]byte, 800)
	if _, err := o.Results.Region.ReadAt(second, ref.Offset); err != nil {
		t.Fatal(err)
	}
	if string(first) != string(second) {
		t.Error("a result changed after it was handed over")
	}
}

// Text goes by the frame or, when long, by the output region.
func TestLongText(t *testing.T) {
	s := testSupervisor(t)
	o := runModel(t, s, testSpec(t, "def model():\n    return 'é' * 100_000, 'short'\n"), OK)
	want := []string{strings.Repeat("é", 100_000), "short"}
	for i, v := range o.Results.Values {
		if v.Value.Kind != ipc.KindText || v.Value.Text != want[i] {
			t.Errorf("result %d is %d bytes of kind %d; want %d bytes of text", i, len(v.Value.Text), v.Value.Kind, len(want[i]))
		}
	}
}

// TestUnconfinable: each thing that the host lacks is a setup-error of the
// host with what to do, and no model runs.
func TestUnconfinable(t *testing.T) {
	s := testSupervisor(t)
	spec := testSpec(t, "def model():\n    return 1\n")
	missing := spec
	missing.Interpreter.Mounts = append([]string{filepath.Join(t.TempDir(), "nosuch")}, spec.Interpreter.Mounts...)
	o := runModel(t, s, missing, SetupError)
	if o.Cause.Unmet != UnmetHost || !strings.Contains(o.Cause.Reason, "sources: ") {
		t.Errorf("a mount that is missing: %v; want the step's name", o.Cause)
	}
	script := filepath.Join(t.TempDir(), "python")
	if err := os.WriteFile(script, []byte("not a program\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	broken := spec
	broken.Interpreter.Executable = script
	broken.Interpreter.Mounts = append([]string{script}, spec.Interpreter.Mounts...)
	o = runModel(t, s, broken, SetupError)
	if o.Cause.Unmet != UnmetHost || !strings.Contains(o.Cause.Reason, "exec: ") {
		t.Errorf("an interpreter that is none: %v; want the step's name", o.Cause)
	}
}

// Models of one supervisor run side by side.
func TestRunsSideBySide(t *testing.T) {
	s := testSupervisor(t)
	spec := testSpec(t, "import time\n\n\ndef model():\n    time.sleep(0.3)\n    return 1\n")
	var runs sync.WaitGroup
	for range 8 {
		runs.Go(func() {
			o := s.Run(t.Context(), spec, nil)
			if o.Cause.Verdict != OK {
				t.Errorf("verdict %v; want ok", o.Cause)
			}
			o.Results.Close()
		})
	}
	runs.Wait()
}
