package main

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A guest is a model in testdata/models with what must become of it. Its
// first lines say so:
//
//	# run: ARGUMENTS       flags and inputs, as the shell would split them
//	# python: 3.11         the oldest that does what the model is about; 3.9-3.11
//	# verdict: VERDICT     and
//	# source: SOURCE       of the report
//	# exit: CODE
//	# reason: REGEXP       (?s) for several lines
//	# stdout: REGEXP       what the model printed: the attempt was made
//	# refused: KIND REGEXP an operation of that kind and target is on record
//	# value: NAME JSON     a result has that value
//	# usage: FIGURE VALUE  a figure of the report, see usageLine
//
// and a line that ends in ### "REGEXP" is the one that must fail, with that
// message. $DATA is testdata/data, $WORK a fresh directory (workDir), and $BIG an
// array of bigBytes zeros.
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
	usage    []usageLine
	python   [2]string
	line     int
	message  *regexp.Regexp
	hasError bool
}

var directive = regexp.MustCompile(`^# (run|python|verdict|source|exit|reason|stdout|refused|value|usage): (.*)$`)
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
	case "python":
		g.python[0], g.python[1], _ = strings.Cut(value, "-")
	case "usage":
		figure, rest, _ := strings.Cut(value, " ")
		g.usage = append(g.usage, parseUsage(t, g.path, figure, rest))
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
