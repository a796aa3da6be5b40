package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"

	"hotcell/syscallpolicy"
)

// An expectation of what a model costs, from a line of its own:
//
//	# usage: FIGURE VALUE
//
// VALUE is a size, a duration or a number, as flags have them, or the word
// "measured": the model measured the figure itself and printed
//
//	measured FIGURE NUMBER
//
// in seconds or bytes; the last such line counts, so that a model that is
// killed can say how far it came. What comes before a model's first statement
// it cannot measure: that is what an empty model costs. A report may be off by
// a tenth. Of a time that is a VALUE, a limit, it may be more: how soon a busy
// machine ends a model is no matter of the figure, which is compared with what
// was seen from outside (sighting).
type usageLine struct {
	figure   string
	value    float64
	measured bool
}

// figures are the report's, by the names that models use.
var figures = map[string]string{
	"cpu": "cpu_seconds", "wall": "wall_seconds", "memory": "memory_peak_bytes", "current": "memory_current_bytes", "heap": "memory_heap_bytes",
	"log": "log_bytes",
	"in":  "array_bytes_in", "out": "array_bytes_out", "operations": "operations",
}

func parseUsage(t *testing.T, path, figure, text string) usageLine {
	t.Helper()
	u := usageLine{figure: figure, measured: text == "measured"}
	var err error
	switch figure {
	case "cpu", "wall":
		if !u.measured {
			d, parseErr := syscallpolicy.ParseDuration(text)
			u.value, err = d.Seconds(), parseErr
		}
	case "memory", "current", "heap", "log", "in", "out":
		if !u.measured {
			n, parseErr := syscallpolicy.ParseSize(text)
			u.value, err = float64(n), parseErr
		}
	case "operations":
		u.value, err = strconv.ParseFloat(text, 64)
	default:
		err = fmt.Errorf("no figure is called so")
	}
	if err != nil {
		t.Fatalf("%s: usage: %s %s: %v", path, figure, text, err)
	}
	return u
}

var measuredLine = regexp.MustCompile(`(?m)^measured (\w+) ([0-9.e+]+)$`)

// costOfNothing is the usage of an empty model on this machine.
func costOfNothing() (map[string]float64, error) {
	dir, err := os.MkdirTemp("", "hotcell-empty")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	model := filepath.Join(dir, "empty.py")
	if err := os.WriteFile(model, []byte("import numpy\n\ndef model():\n    pass\n"), 0o644); err != nil {
		return nil, err
	}
	out, err := exec.Command(binary, "run", "--json", model).Output()
	var r guestReport
	if err == nil {
		err = json.Unmarshal(out, &r)
	}
	return r.Usage, err
}

var emptyModel = sync.OnceValues(costOfNothing)

// compare checks one figure of a report.
func (u usageLine) compare(r guestReport, empty map[string]float64) error {
	if u.measured {
		found := false
		for _, m := range measuredLine.FindAllStringSubmatch(r.Stdout, -1) {
			if m[1] == u.figure {
				value, err := strconv.ParseFloat(m[2], 64)
				u.value, found = value+empty[figures[u.figure]], err == nil
			}
		}
		if !found {
			return fmt.Errorf("the model measured no %s", u.figure)
		}
	}
	got, ok := r.Usage[figures[u.figure]]
	late := !u.measured && (u.figure == "cpu" || u.figure == "wall")
	if !ok || got < u.value*9/10 || got > u.value*11/10 && !late {
		return fmt.Errorf("%s is %v; want %v within a tenth", figures[u.figure], got, u.value)
	}
	return nil
}
