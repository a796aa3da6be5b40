package supervisor

import (
	"fmt"
	"os"
	"testing"
	"time"

	"hotcell/child"
	"hotcell/internal/fdcheck"
	"hotcell/syscallpolicy"
	"hotcell/vm"
)

// The test binary is the supervisor here, so it is its own child too.
func TestMain(m *testing.M) {
	child.Dispatch()
	TuneRuntime()
	os.Exit(fdcheck.Run(m))
}

// testSpec is a model of source in Debian's interpreter, with default limits.
func testSpec(t testing.TB, source string) Spec {
	t.Helper()
	cache, _ := vm.OpenCache()
	defer cache.Close()
	interpreter, err := vm.Find(t.Context(), "/usr/bin/python3", vm.Options{Cache: cache})
	if err != nil {
		t.Fatal(err)
	}
	shim, err := vm.Shim(t.Context(), interpreter, cache)
	if err != nil {
		t.Fatal(err)
	}
	return Spec{
		Files: []SourceFile{{Path: "model.py", Source: []byte(source)}}, Interpreter: interpreter, Shim: shim,
		Policy: testPolicy(t),
	}
}

// testPolicy is the preset with ctypes, and a short time.
func testPolicy(t testing.TB) syscallpolicy.Policy {
	t.Helper()
	p, err := syscallpolicy.Preset("compute")
	if err != nil {
		t.Fatal(err)
	}
	if p, err = p.WithModules("test", "ctypes"); err != nil {
		t.Fatal(err)
	}
	limits := syscallpolicy.DefaultLimits()
	limits.Timeout = 10 * time.Second
	if p, err = p.WithLimits(limits); err != nil {
		t.Fatal(err)
	}
	return p
}

func testSupervisor(t testing.TB) *Supervisor {
	t.Helper()
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// runModel runs a model once and wants a verdict.
func runModel(t testing.TB, s *Supervisor, spec Spec, want Verdict) *Outcome {
	t.Helper()
	o := s.Run(t.Context(), spec, nil)
	t.Cleanup(o.Results.Close)
	if o.Cause.Verdict != want {
		t.Fatalf("verdict %v; want %s\n%s", o.Cause, want, detail(o))
	}
	return o
}

func detail(o *Outcome) string {
	text := fmt.Sprintf("stdout %q, stderr %q", o.Stdout, o.Stderr)
	if o.Cause.Detail != nil {
		text += "\n" + o.Cause.Detail.Traceback
	}
	return text
}
