// Package python has no Go code: this test runs the Python client's own tests.
package python

import (
	"os"
	"os/exec"
	"testing"
)

// TestClient runs the suite under Debian's interpreter.
func TestClient(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-m", "unittest", "discover", "-s", "tests")
	cmd.Env = append(os.Environ(), "PYTHONPATH=.:tests", "HOTCELL="+os.Getenv("HOTCELL_BIN"), "PYTHONDONTWRITEBYTECODE=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
