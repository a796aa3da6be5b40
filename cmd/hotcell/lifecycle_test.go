package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// endless is a model that goes on until it is ended.
const endless = "print('running', flush=True)\n\n\ndef model():\n    while True:\n        pass\n"

func writeModel(t *testing.T, source string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.py")
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestKilled kills the supervisor at moments between its start and its
// model's run: no process stays, and the next start clears the rest.
func TestKilled(t *testing.T) {
	model := writeModel(t, endless)
	for step := range 14 {
		cmd := exec.Command(binary, "run", "--timeout", "20s", model)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(step*step) * time.Millisecond)
		started := descendants(cmd.Process.Pid)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		for _, pid := range started {
			waitGone(t, pid, step)
		}
	}
	if out, err := exec.Command(binary, "run", "-q", testdata(t, "models", "tuple_result.py")).CombinedOutput(); err != nil {
		t.Fatalf("the next run: %v\n%s", err, out)
	}
	if left := abandonedGroups(t); len(left) > 0 {
		t.Errorf("the next run left %v", left)
	}
}

// descendants are the processes below one, by /proc: hotcell-child, the
// template and its sandboxes.
func descendants(pid int) []int {
	children, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	var all []int
	for _, file := range children {
		list, _ := os.ReadFile(file)
		for field := range strings.FieldsSeq(string(list)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(append(all, child), descendants(child)...)
			}
		}
	}
	return all
}

func waitGone(t *testing.T, pid, step int) {
	t.Helper()
	for range 200 {
		if err := syscall.Kill(pid, 0); err == syscall.ESRCH {
			return
		}
		// A zombie whose parent is gone is reaped by init at once; one that
		// lingers under a dead namespace is not running.
		if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err != nil || bytes.Contains(stat, []byte(") Z ")) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("killed after %d ms: process %d is still there", step*step, pid)
}

// abandonedGroups are control groups of supervisors that are no more: those
// of a live one are locked.
func abandonedGroups(t *testing.T) []string {
	t.Helper()
	var left []string
	err := filepath.WalkDir("/sys/fs/cgroup", func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.IsDir() || !treeName.MatchString(entry.Name()) {
			return nil // groups come and go meanwhile
		}
		f, err := os.Open(path)
		if err != nil {
			return nil
		}
		defer f.Close()
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			if _, err := os.Stat(path); err == nil {
				left = append(left, path)
			}
		}
		return filepath.SkipDir
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// TestBeside runs several at once: none clears what another one uses.
func TestBeside(t *testing.T) {
	const runs = 6
	results := make(chan error, runs)
	for range runs {
		go func() {
			for range 3 {
				out, err := exec.Command(binary, "run", testdata(t, "models", "tuple_result.py")).CombinedOutput()
				if err != nil {
					results <- fmt.Errorf("%w\n%s", err, out)
					return
				}
			}
			results <- nil
		}()
	}
	for range runs {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// TestInterrupted sends what Ctrl-C sends.
func TestInterrupted(t *testing.T) {
	cmd := exec.Command(binary, "run", "--timeout", "20s", writeModel(t, endless))
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, len("running\n"))
	if _, err := stdout.Read(line); err != nil {
		t.Fatalf("the model did not start: %v", err)
	}
	started := descendants(cmd.Process.Pid)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitCancelled || !strings.Contains(stderr.String(), "cancelled") {
		t.Errorf("interrupted: exit code %d, %q; want %d and why", code, stderr.String(), exitCancelled)
	}
	for _, pid := range started {
		waitGone(t, pid, 0)
	}
}
