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
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A guest is a model in testdata/models with what must become of it. Its
// first lines say so:
//
//	# run: ARGUMENTS       flags and inputs, as the shell would split them
//	# verdict: VERDICT     and
//	# source: SOURCE       of the report
//	# exit: CODE
//	# reason: REGEXP       (?s) for several lines
//	# stdout: REGEXP       what the model printed: the attempt was made
//	# refused: KIND REGEXP an operation of that kind and target is on record
//	# value: NAME JSON     a result has that value
//
// and a line that ends in ### "REGEXP" is the one that must fail, with that
// message. $DATA is testdata/data, and $WORK a fresh directory (workDir).
type guest struct {
	path     string
	args     []string
	verdict  string
	source   string
	exit     int
	reason   *regexp.Regexp
	stdout   []*regexp.Regexp
	refused  [][2]string
	values   [][2]string
	line     int
	message  *regexp.Regexp
	hasError bool
}

var directive = regexp.MustCompile(`^# (run|verdict|source|exit|reason|stdout|refused|value): (.*)$`)
var expectation = regexp.MustCompile(`### ("(?:[^"\\]|\\.)*")\s*$`)

func readGuest(t *testing.T, path string) guest {
	t.Helper()
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	g := guest{path: path, verdict: "ok", exit: -1}
	for i, line := range strings.Split(string(source), "\n") {
		if m := expectation.FindStringSubmatch(line); m != nil {
			text, err := strconv.Unquote(m[1])
			if err != nil {
				t.Fatalf("%s:%d: %v", path, i+1, err)
			}
			g.line, g.message, g.hasError = i+1, compile(t, text), true
		}
		if m := directive.FindStringSubmatch(line); m != nil {
			g.set(t, m[1], m[2])
		}
	}
	if g.exit < 0 {
		t.Fatalf("%s: no exit code is expected", path)
	}
	return g
}

func (g *guest) set(t *testing.T, name, value string) {
	t.Helper()
	switch name {
	case "run":
		g.args = strings.Fields(value)
	case "verdict":
		g.verdict = value
	case "source":
		g.source = value
	case "exit":
		n, err := strconv.Atoi(value)
		if err != nil {
			t.Fatalf("%s: exit: %v", g.path, err)
		}
		g.exit = n
	case "reason":
		g.reason = compile(t, value)
	case "stdout":
		g.stdout = append(g.stdout, compile(t, value))
	case "refused", "value":
		first, rest, _ := strings.Cut(value, " ")
		pair := [2]string{first, rest}
		if name == "refused" {
			g.refused = append(g.refused, pair)
		} else {
			g.values = append(g.values, pair)
		}
	}
}

func compile(t *testing.T, text string) *regexp.Regexp {
	t.Helper()
	re, err := regexp.Compile(text)
	if err != nil {
		t.Fatal(err)
	}
	return re
}

// guestReport is the report as a stranger's program reads it.
type guestReport struct {
	Verdict string
	Source  string
	Reason  string
	Error   *struct {
		Type, Message, Traceback, File string
		Line                           int
	}
	Results    map[string]struct{ Value json.RawMessage }
	Operations []struct {
		Kind, Target, Decision string
		Count                  int
	}
	Stdout string
	Stderr string
}

func TestModels(t *testing.T) { runGuests(t, "models") }

// TestEscape runs the hostile models: each makes its attempts, proves by what
// it prints that it made them, and gets nothing.
func TestEscape(t *testing.T) { runGuests(t, "escape") }

func runGuests(t *testing.T, dir string) {
	paths, err := filepath.Glob(testdata(t, dir, "*.py"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no models in %s: %v", dir, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".py"), func(t *testing.T) {
			readGuest(t, path).check(t)
		})
	}
}

func (g guest) check(t *testing.T) {
	args := append([]string{"run", "--json"}, g.args...)
	args = slices.Insert(args, len(args)-countInputs(g.args), g.path)
	work := sync.OnceValue(func() string { return workDir(t) })
	for i, a := range args {
		args[i] = os.Expand(a, func(name string) string {
			if name == "WORK" {
				return work()
			}
			return map[string]string{"DATA": testdata(t, "data")}[name]
		})
	}
	cmd := exec.Command(binary, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var r guestReport
	if jsonErr := json.Unmarshal(stdout.Bytes(), &r); jsonErr != nil {
		t.Fatalf("%v: no report: %v, %v\n%s%s", args, jsonErr, err, stdout.Bytes(), stderr.Bytes())
	}
	if problems := g.compare(r, cmd.ProcessState.ExitCode()); len(problems) > 0 {
		t.Errorf("%s\n%s", strings.Join(problems, "\n"), stdout.Bytes())
	}
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
