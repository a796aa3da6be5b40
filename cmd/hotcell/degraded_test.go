package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Without control groups, and with leave to go on, models end by the same
// verdicts. What differs is said here: whose word it is, and what is only
// measured now and then.
func TestDegraded(t *testing.T) {
	if os.Geteuid() != 0 {
		return // the test takes control groups away, which only root has
	}
	shared := func(g *guest) {
		g.source, g.usage = "supervisor", nil
		g.reason = compile(t, `had \d+ bytes of memory, its limit is 67108864`)
	}
	for _, test := range []struct {
		model  string
		differ func(*guest)
	}{
		{"ok", nil}, {"cpus", nil},
		{"cpu_time", nil}, {"regular_expression", nil}, {"huge_power", nil}, {"catches_everything", nil}, {"sleeps", nil}, {"deadlock", nil},
		{"bytearray_bomb", nil}, {"list_doubling", nil}, {"memory_error", nil}, {"numpy_terabyte", nil}, {"mmap_private", nil},
		{"mmap_shared", shared}, {"mmap_untouched", nil},
		{"thread_bomb", nil}, {"threads", nil}, {"thread_bomb_caught", nil}, {"thread_stacks", nil}, {"threads_left", nil},
		{"recursion", nil}, {"stack_overflow", nil}, {"exits", nil}, {"exit_now", nil}, {"abort", nil}, {"kill_self", nil}, {"segfault", nil},
		{"floods", nil}, {"operations", nil}, {"descriptors_dup", nil}, {"signals_pending", nil},
		{"usage_cpu", nil}, {"usage_cpu_threads", nil}, {"usage_wall", nil}, {"usage_memory", nil}, {"usage_memory_peak", nil},
		{"usage_memory_objects", nil}, {"usage_big_input", nil}, {"usage_output", nil},
	} {
		t.Run(test.model, func(t *testing.T) {
			g := guest{path: testdata(t, "models", test.model+".py"), verdict: "ok"}
			if test.model != "ok" {
				g = readGuest(t, g.path)
			}
			if test.differ != nil {
				test.differ(&g)
			}
			runDegraded(t, g)
		})
	}
}

func runDegraded(t *testing.T, g guest) {
	args := []string{"./hotcell", "run", "--json", "--allow-degraded"}
	args = append(args, g.expand(t)...)
	model := filepath.Base(g.path)
	args = slices.Insert(args, len(args)-countInputs(g.args), model)
	cmd := withoutGroups(t, args...)
	home := envOf(cmd, "HOME")
	source, err := os.ReadFile(g.path)
	if err == nil {
		err = os.WriteFile(filepath.Join(home, model), source, 0o644)
	} else if model == "ok.py" {
		err = os.WriteFile(filepath.Join(home, model), []byte("def model():\n    return 1\n"), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	seen, err := runWatched(cmd)
	var r guestReport
	if jsonErr := json.Unmarshal(stdout.Bytes(), &r); jsonErr != nil {
		t.Fatalf("no report: %v, %v\n%s%s", jsonErr, err, stdout.Bytes(), stderr.Bytes())
	}
	problems := append(g.compare(r, cmd.ProcessState.ExitCode()), seen.compare(r)...)
	if len(r.Isolation.Degraded) != 5 {
		problems = append(problems, "weaker limits that the report does not name")
	}
	if len(problems) > 0 {
		t.Errorf("%s\n%s", strings.Join(problems, "\n"), stdout.Bytes())
	}
}

// withoutGroups runs a command as an ordinary user to whom no control group is
// delegated.
func withoutGroups(t *testing.T, args ...string) *exec.Cmd {
	cmd := asUser(t, args...)
	cmd.Env = append(cmd.Env, "GROUPS_OF_TEST=")
	return cmd
}

func envOf(cmd *exec.Cmd, name string) string {
	for _, pair := range cmd.Env {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}

// Where the host has everything, leave to go on without changes nothing.
func TestNotDegraded(t *testing.T) {
	cmd := exec.Command(binary, "run", "--json", "--allow-degraded", testdata(t, "models", "exits.py"))
	out, _ := cmd.Output()
	var r guestReport
	if err := json.Unmarshal(out, &r); err != nil || r.Isolation.Degraded == nil || len(r.Isolation.Degraded) > 0 {
		t.Errorf("isolation.degraded %v, %v; want an empty list", r.Isolation.Degraded, err)
	}
}
