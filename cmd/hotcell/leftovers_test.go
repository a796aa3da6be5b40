package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"hotcell/internal/fdcheck"
	"hotcell/supervisor"
)

// TestNothingIsLeft runs the whole table under one supervisor, this process.
// After each model a plain one still runs, and the process has what it had
// before the first: descriptors, children, threads of control, mounts, control
// groups, shared memory.
func TestNothingIsLeft(t *testing.T) {
	supervisor.TuneRuntime()
	s, err := supervisor.New(supervisor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	plain := readGuest(t, testdata(t, "models", "tuple_result.py"))
	plain.checkIn(t, s) // opens what a process keeps from its first model on
	before := inventory(t)
	for _, path := range guests(t, "models") {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".py"), func(t *testing.T) {
			readGuest(t, path).checkIn(t, s)
			plain.checkIn(t, s)
			before.await(t)
		})
	}
}

// checkIn runs the model under a supervisor that goes on.
func (g guest) checkIn(t *testing.T, s *supervisor.Supervisor) {
	t.Helper()
	var r run
	flags := &cobra.Command{}
	r.bindAll(flags)
	if err := flags.ParseFlags(g.expand(t)); err != nil {
		t.Fatal(err)
	}
	r.json, r.stdout, r.stderr = true, io.Discard, io.Discard
	spec, inputs, err := r.prepare(t.Context(), g.path, flags.Flags().Args())
	for _, in := range inputs {
		if in.Region != nil {
			defer in.Region.Close()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	o := s.Run(t.Context(), spec, inputs)
	defer o.Results.Close()
	rep, err := newReport(spec.Interpreter, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(rep)
	if err != nil {
		t.Fatal(err)
	}
	var got guestReport
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	g.requirePython(t, got.Interpreter.Version)
	if problems := g.compare(got, exitCode(o.Cause)); len(problems) > 0 {
		t.Errorf("%s\n%s", strings.Join(problems, "\n"), data)
	}
}

// held is what a process has that could be left behind.
type held struct {
	descriptors fdcheck.Snapshot
	rest        []string
	goroutines  int
}

func inventory(t *testing.T) held {
	t.Helper()
	descriptors, err := fdcheck.Take()
	if err != nil {
		t.Fatal(err)
	}
	h := held{descriptors: descriptors, goroutines: runtime.NumGoroutine()}
	for _, pid := range children(os.Getpid()) {
		h.rest = append(h.rest, fmt.Sprintf("process %d", pid))
	}
	h.rest = append(h.rest, ownGroups(t, descriptors)...)
	for file, kept := range map[string]*regexp.Regexp{
		"/proc/self/mountinfo": regexp.MustCompile(`.+`),
		"/proc/self/maps":      regexp.MustCompile(`.*(/memfd:|/dev/zero|/SYSV).*`),
		"/proc/sysvipc/shm":    regexp.MustCompile(`.+`),
	} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range kept.FindAllString(string(data), -1) {
			h.rest = append(h.rest, file+": "+line)
		}
	}
	slices.Sort(h.rest)
	return h
}

// ownGroups are the control groups below this process's trees, which it holds
// open.
func ownGroups(t *testing.T, descriptors fdcheck.Snapshot) []string {
	t.Helper()
	var groups []string
	for _, path := range descriptors {
		if !treeName.MatchString(filepath.Base(path)) {
			continue
		}
		err := filepath.WalkDir(path, func(group string, entry os.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				groups = append(groups, "control group "+group)
			}
			return nil // they come and go
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if groups == nil {
		t.Fatal("this supervisor holds no control group open")
	}
	return groups
}

// more tells what a process has beyond what it had.
func (h held) more(now held) []string {
	left := now.descriptors.Since(h.descriptors)
	for _, thing := range now.rest {
		if !slices.Contains(h.rest, thing) {
			left = append(left, thing)
		}
	}
	// The runtime's own come and go.
	if now.goroutines > h.goroutines+2 {
		left = append(left, fmt.Sprintf("%d goroutines, %d before", now.goroutines, h.goroutines))
	}
	return left
}

// await waits until a process has no more than it had: what waits for a dead
// process goes on for a moment after it.
func (h held) await(t *testing.T) {
	t.Helper()
	var left []string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if left = h.more(inventory(t)); len(left) == 0 {
			return
		}
	}
	t.Errorf("left behind:\n%s", strings.Join(left, "\n"))
}
