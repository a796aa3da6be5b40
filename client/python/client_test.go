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

func TestPythonClient(t *testing.T) {
	// Descriptors that are left to the collector are errors; run.py counts them.
	cmd := exec.CommandContext(t.Context(), python, "-X", "faulthandler", "-W", "error::ResourceWarning", "tests/run.py")
	cmd.Env = append(os.Environ(), "HOTCELL="+binary(t), "LANG=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s tests/run.py: %v\n%s", python, err, out)
	}
}
