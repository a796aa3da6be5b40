package cgroup

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestGuest runs testdata/guest.sh and these tests on a throw-away host with
// systemd and control groups v2. HOTCELL_VM names a command that boots one:
// "COMMAND run -i DIR -t SECONDS -- PROGRAM..." copies DIR to its /job, runs
// the program there and passes on what it says. The test binary must be static
// (CGO_ENABLED=0).
func TestGuest(t *testing.T) {
	vm := os.Getenv("HOTCELL_VM")
	if vm == "" {
		t.Skip("HOTCELL_VM names no command that boots a host")
	}
	job := t.TempDir()
	for name, from := range map[string]string{"cgroup.test": "/proc/self/exe", "guest.sh": "testdata/guest.sh"} {
		copyFile(t, from, filepath.Join(job, name))
	}
	args := append(strings.Fields(vm)[1:], "run", "-i", job, "-t", "400", "--", "sh", "./guest.sh", "/job/cgroup.test")
	out, err := exec.Command(strings.Fields(vm)[0], args...).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "=== ") {
			t.Log(strings.TrimSuffix(line, "\n"))
		}
	}
	if err != nil {
		t.Errorf("guest.sh = %v; want success", err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	must(t, err)
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	must(t, err)
	_, err = io.Copy(out, in)
	must(t, err)
	must(t, out.Close())
}
