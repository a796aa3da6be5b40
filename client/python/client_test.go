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
				t.Skipf("there is no %s here: %v", name, err)
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

func TestPythonClient(t *testing.T) {
	// Descriptors that are left to the collector are errors; run.py counts them.
	cmd := exec.CommandContext(t.Context(), python, "-X", "faulthandler", "-W", "error::ResourceWarning", "tests/run.py")
	cmd.Env = append(os.Environ(), "HOTCELL="+binary(t), "LANG=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s tests/run.py: %v\n%s", python, err, out)
	}
}
