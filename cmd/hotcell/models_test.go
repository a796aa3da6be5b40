package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"hotcell/internal/require"
)

// guestReport is the report as a stranger's program reads it.
type guestReport struct {
	Verdict string
	Source  string
	Reason  string
	Error   *struct {
		Type, Message, Traceback, File string
		Line                           int
	}
	Results map[string]struct{ Value json.RawMessage }
	Usage   figuresOf
	Limits  struct {
		CPUs         float64
		ScratchBytes int64 `json:"scratch_bytes"`
	}
	Isolation   struct{ Degraded []string }
	Interpreter struct{ Version string }
	Operations  []struct {
		Kind, Target, Decision string
		Count                  int
	}
	Stdout string
	Stderr string
}

// figuresOf are those of a usage that are plain numbers.
type figuresOf map[string]float64

func (f *figuresOf) UnmarshalJSON(data []byte) error {
	var all map[string]any
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	*f = figuresOf{}
	for name, value := range all {
		if number, ok := value.(float64); ok {
			(*f)[name] = number
		}
	}
	return nil
}

// minor is y of Python x.y.z; x is 3.
func minor(version string) (n int) {
	fmt.Sscanf(version, "3.%d", &n)
	return n
}

// requirePython skips a test of what other versions of Python do.
func (g guest) requirePython(t *testing.T, version string) {
	t.Helper()
	if n := minor(version); g.python[0] != "" && n < minor(g.python[0]) || g.python[1] != "" && n > minor(g.python[1]) {
		require.Skipf(t, "it is about Python %s, this is %s", strings.Join(g.python[:], " to "), version)
	}
}

// TestModels is the table of models that behave and misbehave. Whatever does
// not end well says whose word the verdict is, and why.
func TestModels(t *testing.T) {
	misbehaving := 0
	for _, path := range guests(t, "models") {
		g := readGuest(t, path)
		if g.verdict == "ok" {
			continue
		}
		misbehaving++
		if g.source == "" || g.reason == nil && !g.hasError {
			t.Errorf("%s: verdict %s without a source and a reason", path, g.verdict)
		}
	}
	if misbehaving < 40 {
		t.Errorf("%d models that misbehave; the table has at least 40", misbehaving)
	}
	runGuests(t, "models")
}

// TestEscape runs the hostile models: each makes its attempts, proves by what
// it prints that it made them, and gets nothing.
func TestEscape(t *testing.T) { runGuests(t, "escape") }

func runGuests(t *testing.T, dir string) {
	unseen := 0
	paths := guests(t, dir)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".py"), func(t *testing.T) {
			if seen := readGuest(t, path).check(t); seen.pid == 0 {
				unseen++
			}
		})
	}
	if unseen > len(paths)/10 {
		t.Errorf("nobody else saw the sandboxes of %d models, whose figures stand alone", unseen)
	}
}

// guests are the models of a directory of testdata.
func guests(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(testdata(t, dir, "*.py"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no models in %s: %v", dir, err)
	}
	return paths
}

// check runs the model by the built binary. It gives what was seen of it from
// outside.
func (g guest) check(t *testing.T) sighting {
	args := append([]string{"run", "--json"}, g.expand(t)...)
	args = slices.Insert(args, len(args)-countInputs(g.args), g.path)
	cmd := exec.Command(binary, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	seen, err := runWatched(cmd)
	var r guestReport
	if jsonErr := json.Unmarshal(stdout.Bytes(), &r); jsonErr != nil {
		t.Fatalf("%v: no report: %v, %v\n%s%s", args, jsonErr, err, stdout.Bytes(), stderr.Bytes())
	}
	g.requirePython(t, r.Interpreter.Version)
	problems := append(g.compare(r, cmd.ProcessState.ExitCode()), seen.compare(r)...)
	if len(problems) > 0 {
		t.Errorf("%s\n%s", strings.Join(problems, "\n"), stdout.Bytes())
	}
	t.Logf("%s (%s) exit %d: wall %.3fs, CPU %.3fs (seen %v), memory %.1fM (seen %.1fM)", r.Verdict, r.Source, cmd.ProcessState.ExitCode(),
		r.Usage["wall_seconds"], r.Usage["cpu_seconds"], seen.cpu, r.Usage["memory_peak_bytes"]/(1<<20), float64(seen.memory)/(1<<20))
	return seen
}

// expand gives the arguments with what their variables stand for.
func (g guest) expand(t *testing.T) []string {
	work := sync.OnceValue(func() string { return workDir(t) })
	var args []string
	for _, a := range g.args {
		args = append(args, os.Expand(a, func(name string) string {
			switch name {
			case "DATA":
				return testdata(t, "data")
			case "BIG":
				return bigArray(t)
			case "WORK":
				return work()
			}
			return ""
		}))
	}
	return args
}

// runWatched runs hotcell while somebody looks at its sandbox.
func runWatched(cmd *exec.Cmd) (sighting, error) {
	if err := cmd.Start(); err != nil {
		return sighting{}, err
	}
	done := make(chan struct{})
	sightings := make(chan sighting)
	go func() { sightings <- watch(cmd.Process.Pid, done) }()
	err := cmd.Wait()
	close(done)
	return <-sightings, err
}

// bigBytes is much more than the memory that a model gets for it.
const bigBytes = 256 << 20

// bigArray writes an array of zeros that takes no room on the disk.
func bigArray(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "big.npy")
	header := fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': (%d,), }", bigBytes)
	header = fmt.Sprintf("%-117s\n", header)
	if err := os.WriteFile(path, append([]byte("\x93NUMPY\x01\x00v\x00"), header...), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 128+bigBytes); err != nil {
		t.Fatal(err)
	}
	return path
}

// countInputs tells how many of the arguments, at their end, are inputs.
func countInputs(args []string) int {
	n := 0
	for i := len(args) - 1; i >= 0 && inputArg.MatchString(args[i]); i-- {
		n++
	}
	return n
}

var inputArg = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)

func (g guest) compare(r guestReport, exit int) (problems []string) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if r.Verdict != g.verdict || exit != g.exit || g.source != "" && r.Source != g.source {
		wrong("verdict %s from %s, exit code %d; want %s from %s, %d", r.Verdict, r.Source, exit, g.verdict, g.source, g.exit)
	}
	if g.reason != nil && !g.reason.MatchString(r.Reason) {
		wrong("reason %q; want %s", r.Reason, g.reason)
	}
	for _, want := range g.stdout {
		if !want.MatchString(r.Stdout) {
			wrong("stdout %q; want %s", r.Stdout, want)
		}
	}
	for _, want := range g.refused {
		if !slices.ContainsFunc(r.Operations, func(o struct {
			Kind, Target, Decision string
			Count                  int
		}) bool {
			match, err := regexp.MatchString("^(?:"+want[1]+")$", o.Target)
			return o.Kind == want[0] && err == nil && match && o.Decision != "allow"
		}) {
			wrong("no refused %s of %s is on record", want[0], want[1])
		}
	}
	for _, want := range g.values {
		if got := string(r.Results[want[0]].Value); !sameJSON(got, want[1]) {
			wrong("result %s is %s; want %s", want[0], got, want[1])
		}
	}
	for _, want := range g.usage {
		empty, err := emptyModel()
		if err == nil {
			err = want.compare(r, empty)
		}
		if err != nil {
			wrong("%v", err)
		}
	}
	if g.hasError && (r.Error == nil || r.Error.Line != g.line || !g.message.MatchString(r.Error.Type+": "+r.Error.Message)) {
		wrong("error %+v; want %s on line %d", r.Error, g.message, g.line)
	}
	if r.Error != nil && strings.Contains(r.Error.Traceback, "<hotcell ") {
		wrong("the traceback shows the shim's frames")
	}
	return problems
}

func sameJSON(a, b string) bool {
	var va, vb any
	return json.Unmarshal([]byte(a), &va) == nil && json.Unmarshal([]byte(b), &vb) == nil && fmt.Sprint(va) == fmt.Sprint(vb)
}
