package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"hotcell/child"
	"hotcell/internal/fdcheck"
	"hotcell/supervisor"
)

// The test binary is the supervisor here, so it is its own child and its own
// probes too.
func TestMain(m *testing.M) {
	child.Dispatch()
	if n := len(os.Args); n == 4 && slices.Equal(os.Args[1:], ProbeArgs(os.Args[3])) {
		if err := Probe(os.Args[3], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	supervisor.TuneRuntime()
	// What is opened once for a process is opened now.
	Examine(context.Background())
	os.Exit(fdcheck.Run(m))
}

// What tests need, the host of tests has.
func TestExamine(t *testing.T) {
	started := time.Now()
	report := Examine(t.Context())
	if took := time.Since(started); took > 20*time.Second {
		t.Errorf("Examine took %v; want a few seconds", took)
	}
	for _, c := range report.Checks {
		t.Logf("%-7s  %-17s  %s", c.Status, c.ID, c.Found)
		if c.Status == Missing {
			t.Errorf("%s is missing: %s (mend: %s)", c.ID, c.Found, c.Mend)
		}
	}
	checkForm(t, report)
}

// checkForm is what holds of any report.
func checkForm(t *testing.T, report Report) {
	t.Helper()
	worst := OK
	seen := map[string]bool{}
	for _, c := range report.Checks {
		worst = worse(worst, c.Status)
		for what, text := range map[string]string{"found": c.Found, "why": c.Why} {
			if text == "" || strings.Contains(text, "\n") {
				t.Errorf("%s: %s = %q; want a line", c.ID, what, text)
			}
		}
		if advised := c.Mend != "" || c.After != nil; advised != (c.Status != OK) {
			t.Errorf("%s is %s, with mend %q and after %v; want one of them if not ok", c.ID, c.Status, c.Mend, c.After)
		}
		for _, first := range c.After {
			if !seen[first] {
				t.Errorf("%s waits for %s, which is no check above it", c.ID, first)
			}
		}
		seen[c.ID] = true
	}
	if report.Overall != worst || len(seen) != len(checks) {
		t.Errorf("overall %s of %d checks; want %s of %d", report.Overall, len(seen), worst, len(checks))
	}
}

// Programs look for these names.
func TestIDs(t *testing.T) {
	var ids []string
	for _, c := range checks {
		ids = append(ids, c.id)
	}
	want := "kernel container systemd proc outer-filter wait-killable sync-wakeup mseal identity user-namespaces seccomp " +
		"inspection landlock cgroup swap memory-peak interpreter numpy interpreter-files descriptors processes " +
		"namespace-limits whole-run"
	if got := strings.Join(ids, " "); got != want {
		t.Errorf("checks %s; want %s", got, want)
	}
}

func TestJSON(t *testing.T) {
	report := Report{Missing, []Check{
		{ID: "a", Status: OK, Found: "f", Why: "w"},
		{ID: "b", Status: Missing, Found: "f", Why: "w", Mend: "m"},
		{ID: "c", Status: Missing, Found: "f", Why: "w", After: []string{"b"}},
	}}
	got, err := json.Marshal(report)
	want := `{"overall":"missing","checks":[` +
		`{"id":"a","status":"ok","found":"f","why":"w"},` +
		`{"id":"b","status":"missing","found":"f","why":"w","mend":"m"},` +
		`{"id":"c","status":"missing","found":"f","why":"w","after":["b"]}]}`
	if err != nil || string(got) != want {
		t.Errorf("Marshal = %s, %v; want %s", got, err, want)
	}
}
