package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hotcell/syscallpolicy"
)

// pooled is a supervisor with a pool.
func pooled(t testing.TB, opts Options, pool PoolOptions) *Supervisor {
	t.Helper()
	opts.Pool = &pool
	opts.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	s, err := New(opts)
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

const sumModel = "import numpy as np\ndef model():\n    return int(np.arange(8).sum())\n"

func launchFrom(t testing.TB, s *Supervisor, spec Spec) *Model {
	t.Helper()
	m, err := s.Launch(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// callText calls a model that returns one text.
func callText(t testing.TB, m *Model) string {
	t.Helper()
	results, err := m.Call(t.Context(), Call{})
	if err != nil {
		t.Fatal(err)
	}
	defer results.Close()
	return results.Values[0].Value.Text
}

// eventually waits for what another goroutine does.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for range 3000 {
		if holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s does not come", what)
}

// one gives the only template there is.
func one(t testing.TB, s *Supervisor) TemplateStats {
	t.Helper()
	list := s.Templates()
	if len(list) != 1 {
		t.Fatalf("%d templates; want 1: %+v", len(list), list)
	}
	return list[0]
}

// A template is shared by all sources whose modules it has; one with another
// package, other modules allowed or another filter has its own.
func TestTemplatesAreShared(t *testing.T) {
	s := pooled(t, Options{}, PoolOptions{Ready: 1})
	for i, test := range []struct {
		source string
		change func(p syscallpolicy.Policy) (syscallpolicy.Policy, error)
		want   int // templates, after it
	}{
		{sumModel, nil, 1},
		{"import json, math\nimport numpy as np\ndef model():\n    return json.dumps(math.floor(np.random.default_rng(1).random()))\n", nil, 1},
		{"def model():\n    return 1\n", nil, 1},
		{"import ctypes\ndef model():\n    return ctypes.sizeof(ctypes.c_int)\n", nil, 1},
		{sumModel, func(p syscallpolicy.Policy) (syscallpolicy.Policy, error) { return p.WithModules("test", "xml") }, 2},
		{sumModel, func(p syscallpolicy.Policy) (syscallpolicy.Policy, error) {
			l := p.Limits()
			l.Memory *= 2
			return p.WithLimits(l)
		}, 2},
	} {
		spec := testSpec(t, test.source)
		if test.change != nil {
			var err error
			if spec.Policy, err = test.change(spec.Policy); err != nil {
				t.Fatal(err)
			}
		}
		o := s.Run(t.Context(), spec, nil)
		o.Results.Close()
		if o.Cause.Verdict != OK {
			t.Fatalf("model %d: %v\n%s", i, o.Cause, detail(o))
		}
		if n := len(s.Templates()); n != test.want {
			t.Errorf("%d templates after model %d; want %d", n, i, test.want)
		}
	}
}

// Ready sandboxes are used once, in the place of each comes another, and none
// has more than one model.
func TestPoolRefills(t *testing.T) {
	s := pooled(t, Options{}, PoolOptions{Ready: 2, MaxReady: 2})
	spec := testSpec(t, sumModel)
	if err := s.Warm(t.Context(), spec, 2); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for range 6 {
		eventually(t, "a full pool", func() bool { return one(t, s).Ready == 2 })
		ready := readyIDs(s)
		m := launchFrom(t, s, spec)
		if !slices.Contains(ready, m.id) {
			t.Errorf("sandbox %s was not one of those that were ready: %v", m.id, ready)
		}
		if used[m.id] {
			t.Errorf("sandbox %s was used twice", m.id)
		}
		used[m.id] = true
		if o := m.Close(); o.Cause.Verdict != OK {
			t.Error(o.Cause)
		}
	}
	if n := one(t, s).Forks; n < 8 {
		t.Errorf("%d forks for 6 models and 2 that wait", n)
	}
}

func readyIDs(s *Supervisor) (ids []string) {
	s.pools.mu.Lock()
	defer s.pools.mu.Unlock()
	for _, pool := range s.pools.list {
		for _, sandbox := range pool.ready {
			ids = append(ids, sandbox.id)
		}
	}
	return ids
}

// Launches beyond the pool are forked on demand, and demand has more wait.
func TestPoolFollowsDemand(t *testing.T) {
	s := pooled(t, Options{}, PoolOptions{Ready: 1, MaxReady: 3, Idle: time.Hour, MaxAge: time.Hour})
	spec := testSpec(t, sumModel)
	var models []*Model
	for range 5 {
		models = append(models, launchFrom(t, s, spec))
	}
	eventually(t, "a grown pool", func() bool { stats := one(t, s); return stats.Target > 1 && stats.Ready == stats.Target })
	if stats := one(t, s); stats.Target > 3 || stats.Sandboxes != 5+stats.Ready {
		t.Errorf("%d wanted, %d ready and %d in all; want at most 3, and 5 more than are ready", stats.Target, stats.Ready, stats.Sandboxes)
	}
	for _, m := range models {
		m.Close()
	}
	for range 4 {
		s.pools.tidy()
	}
	eventually(t, "a small pool", func() bool { stats := one(t, s); return stats.Target == 1 && stats.Ready == 1 && stats.Sandboxes == 1 })
}

// A template is renewed after so many forks. The old one forks no more and lives
// until its last sandbox ends.
func TestTemplateIsRenewed(t *testing.T) {
	s := pooled(t, Options{}, PoolOptions{Ready: 1, MaxReady: 1, MaxForks: 3})
	spec := testSpec(t, "def model():\n    return 'here'\n")
	old := launchFrom(t, s, spec)
	pid := old.template.cmd.Process.Pid
	for range 4 {
		launchFrom(t, s, spec).Close()
	}
	eventually(t, "another template", func() bool {
		launchFrom(t, s, spec).Close()
		return s.Templates()[0].PID != pid
	})
	if got := callText(t, old); got != "here" {
		t.Errorf("a model of the old template gave %q", got)
	}
	if !slices.ContainsFunc(s.Templates(), func(st TemplateStats) bool { return st.PID == pid && st.Retired && st.Sandboxes > 0 }) {
		t.Errorf("the old template is gone while it has a model: %+v", s.Templates())
	}
	old.Close()
	eventually(t, "the old template's end", func() bool { return syscall.Kill(pid, 0) != nil })
}

// A template that crashes ends its models, which is no fault of theirs, and is
// replaced at the next launch.
func TestTemplateCrash(t *testing.T) {
	s := pooled(t, Options{}, PoolOptions{Ready: 1})
	spec := testSpec(t, "def model():\n    return 'here'\n")
	m := launchFrom(t, s, spec)
	pid := one(t, s).PID
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-m.template.dead
	_, err := m.Call(t.Context(), Call{})
	if cause, ok := errors.AsType[*Cause](err); !ok || cause.Verdict != InternalError {
		t.Errorf("a call after the template's end: %v; want internal-error", err)
	}
	if o := m.Close(); o.Cause.Verdict != InternalError {
		t.Errorf("verdict %v; want internal-error", o.Cause)
	}
	next := launchFrom(t, s, spec)
	defer next.Close()
	if got := callText(t, next); got != "here" {
		t.Errorf("the next model gave %q", got)
	}
	eventually(t, "the dead template's end", func() bool { return one(t, s).PID != pid })
}

// A ready sandbox that died is not handed out.
func TestDeadReadySandbox(t *testing.T) {
	s := pooled(t, Options{}, PoolOptions{Ready: 2, MaxReady: 2})
	spec := testSpec(t, sumModel)
	if err := s.Warm(t.Context(), spec, 2); err != nil {
		t.Fatal(err)
	}
	s.pools.mu.Lock()
	dead := s.pools.list[0].ready[0]
	s.pools.mu.Unlock()
	if err := dead.kill(); err != nil {
		t.Fatal(err)
	}
	<-dead.fork.exited
	m := launchFrom(t, s, spec)
	defer m.Close()
	if m.id == dead.id {
		t.Error("a dead sandbox was handed out")
	}
}

// An idle template ends, and its pool with it.
func TestIdleTemplateEnds(t *testing.T) {
	s := pooled(t, Options{}, PoolOptions{Ready: 1, Idle: time.Millisecond})
	launchFrom(t, s, testSpec(t, sumModel)).Close()
	eventually(t, "the end of an idle template", func() bool { return len(s.Templates()) == 0 })
}

// The one that was used longest ago goes when there are too many.
func TestTemplatesAreBounded(t *testing.T) {
	s := pooled(t, Options{}, PoolOptions{Ready: 1, Templates: 2})
	for _, module := range []string{"xml", "email", "sqlite3"} {
		spec := testSpec(t, "def model():\n    return 1\n")
		var err error
		if spec.Policy, err = spec.Policy.WithModules("test", module); err != nil {
			t.Fatal(err)
		}
		launchFrom(t, s, spec).Close()
	}
	eventually(t, "the end of the third template", func() bool { return len(s.Templates()) == 2 })
	for _, stats := range s.Templates() {
		if slices.Contains(stats.Modules, "xml") {
			t.Error("the template that was used longest ago is there")
		}
	}
}

// A module that starts a native thread makes launches cold, and says so.
func TestNativeThreadRefusesPool(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	code := "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
	if err := os.WriteFile(filepath.Join(dir, "spawner.py"), []byte(code), 0o644); err != nil {
		t.Fatal(err)
	}
	s := pooled(t, Options{}, PoolOptions{Ready: 1})
	spec := testSpec(t, "import spawner\ndef model():\n    return 'cold'\n")
	spec.Interpreter.Path = append(slices.Clone(spec.Interpreter.Path), dir)
	spec.Interpreter.Mounts = append(slices.Clone(spec.Interpreter.Mounts), dir)
	var err error
	if spec.Policy, err = spec.Policy.WithModules("test", "spawner"); err != nil {
		t.Fatal(err)
	}
	m := launchFrom(t, s, spec)
	defer m.Close()
	if got := callText(t, m); got != "cold" || m.stem != nil {
		t.Errorf("the model gave %q, from a template that is shared: %v", got, m.stem != nil)
	}
	if refused := one(t, s).Refused; !strings.Contains(refused, "spawner") {
		t.Errorf("refused because %q; want the module's name in it", refused)
	}
}

// Limits that differ from those of the launch before hold all the same.
func TestPoolLimits(t *testing.T) {
	s := pooled(t, Options{}, PoolOptions{Ready: 1, MaxReady: 1})
	spec := testSpec(t, "def model():\n    return len(bytearray(100 << 20))\n")
	for _, test := range []struct {
		memory int64
		want   Verdict
	}{{512 << 20, OK}, {64 << 20, MemoryLimit}, {512 << 20, OK}} {
		limits := spec.Policy.Limits()
		limits.Memory = test.memory
		var err error
		if spec.Policy, err = spec.Policy.WithLimits(limits); err != nil {
			t.Fatal(err)
		}
		if err := s.Warm(t.Context(), spec, 1); err != nil {
			t.Fatal(err)
		}
		runModel(t, s, spec, test.want)
	}
}

// A launch is measured step by step.
func TestLaunchSteps(t *testing.T) {
	s := pooled(t, Options{}, PoolOptions{Ready: 1})
	m := launchFrom(t, s, testSpec(t, sumModel))
	var names []string
	for _, step := range m.Close().Usage.LaunchSteps {
		names = append(names, step.Name)
	}
	if want := []string{"queue", "grants", "sandbox", "message", "limits", "load"}; !slices.Equal(names, want) {
		t.Errorf("steps %v; want %v", names, want)
	}
}

func TestWarmTellsWhatIsWrong(t *testing.T) {
	s := pooled(t, Options{}, PoolOptions{})
	spec := testSpec(t, sumModel)
	spec.Interpreter.Executable = "/nonexistent"
	var cause *Cause
	if err := s.Warm(t.Context(), spec, 1); !errors.As(err, &cause) || cause.Verdict != SetupError {
		t.Errorf("Warm of no interpreter: %v; want a setup-error", err)
	}
}

// Many launches at a time, with ends in between, leave the right counts.
func TestPoolConcurrently(t *testing.T) {
	s := pooled(t, Options{Queue: QueueOptions{Models: 4, Waiting: 100, Timeout: time.Minute}}, PoolOptions{Ready: 2, MaxForks: 20})
	spec := testSpec(t, "def model():\n    return 'here'\n")
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			for range 10 {
				m, err := s.Launch(context.Background(), spec)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := m.Call(context.Background(), Call{}); err != nil {
					t.Error(err)
				}
				m.Close()
			}
		})
	}
	wg.Wait()
	eventually(t, "the end of all models", func() bool {
		n := 0
		for _, stats := range s.Templates() {
			n += stats.Sandboxes - stats.Ready
		}
		return n == 0
	})
	if t.Failed() {
		fmt.Printf("%+v\n", s.Templates())
	}
}
