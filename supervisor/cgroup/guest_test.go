package cgroup

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hotcell/internal/require"
)

// TestGuest runs a script of testdata and these tests on a throw-away host with
// systemd. HOTCELL_VM names a command that boots one with control groups v2,
// HOTCELL_VM_V1 one with a v1 layout (systemd.unified_cgroup_hierarchy=0):
// "COMMAND run -i DIR -t SECONDS -- PROGRAM..." copies DIR to its /job, runs
// the program there and passes on what it says. The test binary must be static
// (CGO_ENABLED=0).
func TestGuest(t *testing.T) {
	for variable, script := range map[string]string{"HOTCELL_VM": "guest.sh", "HOTCELL_VM_V1": "guest_v1.sh"} {
		t.Run(script, func(t *testing.T) {
			if os.Getenv(variable) == "" {
				require.Skip(t, variable+" names no command that boots a host")
			}
			runGuest(t, strings.Fields(os.Getenv(variable)), script)
		})
	}
}

func runGuest(t *testing.T, vm []string, script string) {
	job := t.TempDir()
	copyFile(t, "/proc/self/exe", filepath.Join(job, "cgroup.test"))
	copyFile(t, filepath.Join("testdata", script), filepath.Join(job, script))
	args := append(vm[1:], "run", "-i", job, "-t", "400", "--", "sh", "./"+script, "/job/cgroup.test")
	out, err := exec.Command(vm[0], args...).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "=== ") {
			t.Log(strings.TrimSuffix(line, "\n"))
		}
	}
	if err != nil {
		t.Errorf("%s = %v; want success", script, err)
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
