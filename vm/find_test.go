package vm

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hotcell/internal/require"
)

// systemPython is Debian's and Ubuntu's interpreter, with python3-numpy.
const systemPython = "/usr/bin/python3"

// requireSystem skips where the system's interpreter or its numpy is missing.
func requireSystem(t *testing.T) {
	t.Helper()
	if err := exec.Command(systemPython, "-I", "-c", "import numpy").Run(); err != nil {
		require.Skipf(t, "%s has no numpy (apt install python3-numpy): %v", systemPython, err)
	}
}

// makeVenv makes a venv of the system's interpreter.
func makeVenv(t *testing.T, dir string, args ...string) string {
	t.Helper()
	args = append([]string{"-m", "venv", "--without-pip"}, append(args, dir)...)
	if out, err := exec.Command(systemPython, args...).CombinedOutput(); err != nil {
		require.Skipf(t, "make venv (apt install python3-venv): %v: %s", err, oneLine(string(out)))
	}
	// A cache takes nothing that has only just been changed.
	time.Sleep(2 * racy)
	return filepath.Join(dir, "bin", "python3")
}

// searched gives options for a PATH of these directories alone.
func searched(t *testing.T, dirs ...string) Options {
	old := usualPlaces
	usualPlaces = nil
	t.Cleanup(func() { usualPlaces = old })
	return Options{Env: []string{"PATH=" + strings.Join(dirs, ":"), "HOME=/nowhere"}, Dir: "/"}
}

func TestFindFirstWithNumpy(t *testing.T) {
	requireSystem(t)
	dir := t.TempDir()
	broken, bare, good, never := filepath.Join(dir, "1"), filepath.Join(dir, "2"), filepath.Join(dir, "3"), filepath.Join(dir, "4")
	writeScript(t, filepath.Join(broken, "python3"), "exit 7")
	venv := makeVenv(t, filepath.Join(dir, "venv"))
	writeScript(t, filepath.Join(bare, "python3"), `exec `+venv+` "$@"`)
	writeScript(t, filepath.Join(good, "python3"), `exec `+systemPython+` "$@"`)
	writeScript(t, filepath.Join(never, "python3"), "touch "+dir+"/ran")
	writeScript(t, filepath.Join(bare, "python"), "touch "+dir+"/ran")
	ctx := context.Background()

	for _, choice := range []string{"", "cpython"} {
		i, err := Find(ctx, choice, searched(t, broken, bare, good, never))
		if err != nil || i.Asked != filepath.Join(good, "python3") || i.Numpy == "" || i.Reason != "first on the PATH with numpy" {
			t.Errorf("Find(%q) = %+v, %v; want the third, with numpy", choice, i, err)
		}
	}
	if _, err := os.Stat(dir + "/ran"); err == nil {
		t.Error("Find ran a candidate behind the one that it chose")
	}
	i, err := Find(ctx, "", searched(t, broken, bare))
	if err != nil || i.Asked != filepath.Join(bare, "python3") || i.Numpy != "" || i.NumpyError != "" ||
		i.Reason != "no interpreter has numpy; first on the PATH" {
		t.Errorf("Find = %+v, %v; want the second, without numpy", i, err)
	}
	_, err = Find(ctx, "", searched(t, broken))
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "apt install") || !strings.Contains(err.Error(), "exit status 7") {
		t.Errorf("Find = %v; want ErrNotFound, what to do and what was there", err)
	}
	if _, err = Find(ctx, "", searched(t)); !errors.Is(err, ErrNotFound) {
		t.Errorf("Find on an empty PATH = %v; want ErrNotFound", err)
	}
	if _, err = Find(ctx, "pypy", searched(t, good)); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "pypy3") {
		t.Errorf("Find(pypy) = %v; want ErrNotFound and what to do", err)
	}
}

func TestFindNamed(t *testing.T) {
	requireSystem(t)
	dir := t.TempDir()
	writeScript(t, filepath.Join(dir, "mypython"), `exec `+systemPython+` "$@"`)
	opt := searched(t, dir)
	opt.Dir = filepath.Dir(dir)
	path := filepath.Join(dir, "mypython")
	for _, choice := range []string{"mypython", path, "./" + filepath.Base(dir) + "/mypython", dir + "/x/../mypython"} {
		i, err := Find(context.Background(), choice, opt)
		if err != nil || i.Asked != path || i.Reason != "asked for" || i.Implementation != cpython {
			t.Errorf("Find(%s) = %+v, %v; want %s", choice, i, err, path)
		}
	}
	_, err := Find(context.Background(), "nothere", opt)
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "not on the PATH") {
		t.Errorf("Find(nothere) = %v; want an *Error", err)
	}
}

// What lies beside a model must not run because "." is on the PATH.
func TestFindPassesOverRelativePath(t *testing.T) {
	dir := t.TempDir()
	writeScript(t, filepath.Join(dir, "python3"), "touch "+dir+"/ran")
	t.Chdir(dir)
	if _, err := Find(context.Background(), "", searched(t, ".", "", "./")); !errors.Is(err, ErrNotFound) {
		t.Errorf("Find = %v; want ErrNotFound", err)
	}
	if _, err := os.Stat(dir + "/ran"); err == nil {
		t.Error("Find ran what lies in the working directory")
	}
}

func TestCandidatesOnce(t *testing.T) {
	dir := t.TempDir()
	bin := filepath.Join(dir, "usr", "bin")
	writeScript(t, filepath.Join(bin, "python3.11"), "")
	venv := filepath.Join(dir, "venv")
	if err := os.MkdirAll(venv, 0o755); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{
		bin + "/python3": "python3.11", bin + "/python": "python3", dir + "/bin": "usr/bin",
		venv + "/python3": bin + "/python3", venv + "/python": "python3", venv + "/python3.10": "dangling",
	} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(venv, "python3.9"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var got []string
	for c := range searched(t, filepath.Join(dir, "bin"), bin, venv).candidates(cpythonNames) {
		got = append(got, c.path)
	}
	if want := []string{filepath.Join(dir, "bin/python3"), filepath.Join(venv, "python3")}; !slices.Equal(got, want) {
		t.Errorf("candidates = %v; want %v", got, want)
	}
}

func TestList(t *testing.T) {
	requireSystem(t)
	dir := t.TempDir()
	first, second, third := filepath.Join(dir, "1"), filepath.Join(dir, "2"), filepath.Join(dir, "3")
	writeScript(t, filepath.Join(first, "python3"), `exec `+systemPython+` "$@"`)
	writeScript(t, filepath.Join(second, "python3"), `exec `+systemPython+` "$@"`) // the same again
	writeScript(t, filepath.Join(third, "python3.12"), "exit 1")
	writeScript(t, filepath.Join(third, "pypy3"), says(strings.Replace(goodIdentity, "cpython", "pypy", 1)))
	all := List(context.Background(), searched(t, first, second, third))
	var got []string
	for _, p := range all {
		got = append(got, p.Path)
		if usable := p.Err == nil; usable != (p.Interpreter.Executable != "") || usable != (p.Path == first+"/python3") {
			t.Errorf("List has %+v; want an interpreter or an error", p)
		}
	}
	if want := []string{first + "/python3", third + "/python3.12", third + "/pypy3"}; !slices.Equal(got, want) {
		t.Errorf("List = %v; want %v", got, want)
	}
}

func TestNumpyThatCannotBeImported(t *testing.T) {
	requireSystem(t)
	dir := t.TempDir()
	venv := makeVenv(t, dir)
	sites, err := filepath.Glob(filepath.Join(dir, "lib/python3*/site-packages"))
	if err != nil || len(sites) != 1 {
		t.Fatalf("site-packages of the venv = %v, %v; want one", sites, err)
	}
	if err := os.Mkdir(filepath.Join(sites[0], "numpy"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ code, numpy, err string }{
		{"import os; os.abort()", "", "signal: aborted"},
		{"import os; os._exit(3)", "", "exit status 3"},
		{"raise SystemExit(0)", "", "SystemExit"},
		{"raise ImportError('\\n\\nessay\\n') from OSError('the cause')", "", "OSError: the cause"},
		{"import nosuchmodule", "", "ModuleNotFoundError: No module named 'nosuchmodule'"},
		{"print('hotcell-probe 1 {}'); __version__ = '9.9\\n'", "9.9", ""},
		{"", "", ""},
	} {
		if err := os.WriteFile(filepath.Join(sites[0], "numpy", "__init__.py"), []byte(test.code), 0o644); err != nil {
			t.Fatal(err)
		}
		i, err := Find(context.Background(), venv, Options{})
		if err != nil || i.Numpy != test.numpy || !strings.Contains(i.NumpyError, test.err) || (test.err == "") != (i.NumpyError == "") {
			t.Errorf("%s: Find = numpy %q, %q, %v; want %q, %q", test.code, i.Numpy, i.NumpyError, err, test.numpy, test.err)
		}
	}
}
