package vm

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// writeScript writes an executable shell script and gives its path.
func writeScript(t *testing.T, path, body string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// says is the body of a script that gives one answer.
func says(answer string) string {
	return "cat <<'END'\n" + marker + answer + "\nEND"
}

func TestProbeRefuses(t *testing.T) {
	t.Setenv("LC_ALL", "C") // other programs' messages are compared
	dir := t.TempDir()
	n := 0
	script := func(body string) string {
		n++
		return writeScript(t, filepath.Join(dir, "fake"+strconv.Itoa(n)), body)
	}
	plain := filepath.Join(dir, "plain")
	empty := filepath.Join(dir, "empty")
	for path, mode := range map[string]os.FileMode{plain: 0o644, empty: 0o755} {
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	nowhere := filepath.Join(dir, "nowhere")
	if err := os.WriteFile(nowhere, []byte("#!/does/not/exist\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	old := func(from, to string) string { return says(strings.Replace(goodIdentity, from, to, 1)) }
	for _, test := range []struct{ path, want string }{
		{filepath.Join(dir, "missing"), "no such file"},
		{filepath.Join(plain, "below"), "not a directory"},
		{dir, "a directory"},
		{plain, "not an executable file"},
		{empty, "not a program that this machine can run"},
		{nowhere, "does not exist"},
		{"/bin/true", "no answer"},
		{"/bin/false", "exit status 1"},
		{"/bin/cat", "invalid option"},
		{script("exec yes"), "no end"},
		{script("exec head -c 300000 /dev/zero"), "no end"},
		{script("yes >&2 & sleep 0.2; kill $!; echo rubbish"), "no answer"},
		{script("echo 'Unknown option: -I' >&2; exit 2"), "Python 2"},
		{script("printf '\\033[2Jbad\\nmore\\n' >&2; exit 3"), "exit status 3: [2Jbad"},
		{script("echo 'Traceback (most recent call last):' >&2; echo '  x' >&2; echo 'E: why' >&2; exit 1"), "exit status 1: E: why"},
		{script("kill -SEGV $$"), "segmentation fault"},
		{script("exec cat /dev/stdin"), "no answer"},
		{script(says("{}")), "implementation"},
		{script(old("3, 11, 2", "3, 8, 18")), "cpython 3.8.18 is too old"},
		{script(old("3, 11, 2", "2, 7, 18")), "cpython 2.7.18 is too old"},
		{script(old("cpython", "graalpy")), "graalpy, neither CPython nor PyPy"},
		{script(old("/usr/bin/python3.11", "/no/such/python")), "/no/such/python"},
		{script(old("/usr/bin/python3.11", "/bin/true")), "no answer"},
		{script(old("/usr/bin/python3.11", filepath.Join(dir, "fake1"))), "no end"},
	} {
		i, err := Find(context.Background(), test.path, Options{})
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), test.want) || e.Asked != test.path {
			t.Errorf("Find(%s) = %v, %v; want an *Error with %q", test.path, i, err, test.want)
			continue
		}
		if text := err.Error(); strings.ContainsAny(text, "\n\x1b") || !strings.Contains(text, "name a CPython 3.9 or newer") {
			t.Errorf("Find(%s) = %q; want one line that says what to do", test.path, text)
		}
	}
}

// Nothing that a probe started is left when it was given up.
func TestProbeTimeout(t *testing.T) {
	dir := t.TempDir()
	for name, body := range map[string]string{
		"hangs":       "sleep 1000 & echo $! >" + dir + "/pid; wait",
		"overflows":   "sleep 1000 & echo $! >" + dir + "/pid; yes",
		"ignores":     "trap '' TERM INT HUP; sleep 1000 & echo $! >" + dir + "/pid; while :; do sleep 1; done",
		"leaves pipe": "sleep 1000 & echo $! >" + dir + "/pid; echo rubbish",
	} {
		path := writeScript(t, filepath.Join(dir, "fake"), body)
		started := time.Now()
		_, err := Find(context.Background(), path, Options{Timeout: 700 * time.Millisecond})
		if err == nil {
			t.Errorf("%s: Find = nil; want an error", name)
		}
		if took := time.Since(started); took > 3*time.Second {
			t.Errorf("%s: Find took %v; want less", name, took)
		}
		text, err := os.ReadFile(filepath.Join(dir, "pid"))
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		if !ends(pid) {
			t.Errorf("%s: process %d is still there; want it killed", name, pid)
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// ends waits for a process that is not ours to reap; a zombie has ended.
func ends(pid int) bool {
	for range 100 {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

func TestProbeCancelled(t *testing.T) {
	path := writeScript(t, filepath.Join(t.TempDir(), "fake"), "sleep 1000")
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := Find(ctx, path, Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Find = %v; want the context's error", err)
	}
	if _, err := Find(ctx, "", Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Find = %v; want the context's error", err)
	}
}

func TestModulePath(t *testing.T) {
	home := t.TempDir()
	site := filepath.Join(home, "venv", "site-packages")
	if err := os.MkdirAll(site, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(home, "venv", "link")
	if err := os.Symlink(home, link); err != nil {
		t.Fatal(err)
	}
	path, notes := modulePath([]string{site, home, "/", "/no/such/dir", link, "/tmp"}, home)
	if len(path) != 1 || path[0] != site {
		t.Errorf("modulePath = %v; want %s", path, site)
	}
	if len(notes) != 4 {
		t.Errorf("modulePath notes %q; want one for each wide directory", notes)
	}
}
