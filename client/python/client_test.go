// Package client tests the Python client: the suite in tests runs under the
// system's interpreter against the built binary.
package client

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// python is the interpreter whose numpy "make test" installs.
const python = "/usr/bin/python3"

// binary is the hotcell under test: the one that HOTCELL_BIN names, as make
// built it, or one that is built here.
func binary(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("HOTCELL_BIN"); path != "" {
		return path
	}
	path := filepath.Join(t.TempDir(), "hotcell")
	if out, err := exec.Command("go", "build", "-o", path, "hotcell/cmd/hotcell").CombinedOutput(); err != nil {
		t.Fatalf("build hotcell: %v\n%s", err, out)
	}
	return path
}

// A host without numpy, and its interpreter: what the PATH has may be another
// one, of another version.
func TestPlainClient(t *testing.T) {
	for _, name := range []string{python, "python3"} {
		t.Run(name, func(t *testing.T) {
			path, err := exec.LookPath(name)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), path, "-B", "-X", "faulthandler", "-W", "error::ResourceWarning",
				"-m", "unittest", "test_plain", "test_wire")
			cmd.Dir = "tests"
			cmd.Env = append(os.Environ(), "HOTCELL="+binary(t), "LANG=C.UTF-8", "PYTHONPATH=..")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", path, err, out)
			}
		})
	}
}

// The folder can be installed where there is no network.
func TestInstall(t *testing.T) {
	folder := t.TempDir()
	installed := filepath.Join(folder, "bin", "python")
	for _, args := range [][]string{
		{python, "-m", "venv", folder},
		{installed, "-m", "pip", "install", "--quiet", "--no-index", "--disable-pip-version-check", "."},
		{installed, "-I", "-c", "import hotcell, hotcell.aio, importlib.resources as r, sys\n" +
			"assert hotcell.__file__.startswith(sys.prefix), hotcell.__file__\n" +
			"assert (r.files(hotcell) / 'py.typed').is_file()\n" +
			"with hotcell.start() as hc: assert hc.run('def model(x):\\n    return x + 1\\n', x=1) == 2"},
	} {
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "HOTCELL="+binary(t), "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args[:2], err, out)
		}
	}
}

func TestPythonClient(t *testing.T) {
	// Descriptors that are left to the collector are errors; run.py counts them.
	cmd := exec.CommandContext(t.Context(), python, "-X", "faulthandler", "-W", "error::ResourceWarning", "tests/run.py")
	cmd.Env = append(os.Environ(), "HOTCELL="+binary(t), "LANG=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s tests/run.py: %v\n%s", python, err, out)
	}
}
