package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// An ordinary user, who may mount nothing, has scratch all the same: it holds
// what root's holds, ends at the same sizes and leads nowhere.
func TestScratchOfUser(t *testing.T) {
	if os.Geteuid() != 0 {
		return // then all other tests are this one
	}
	for _, path := range []string{"models/scratch_full.py", "models/file_size.py", "models/descriptors.py", "escape/scratch.py"} {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".py"), func(t *testing.T) {
			g := readGuest(t, testdata(t, path))
			args := append([]string{"./hotcell", "run", "--json"}, g.expand(t)...)
			cmd := asUser(t, append(args, filepath.Base(path))...)
			copyModel(t, cmd, g.path)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			var r guestReport
			if jsonErr := json.Unmarshal(stdout.Bytes(), &r); jsonErr != nil {
				t.Fatalf("no report: %v, %v\n%s%s", jsonErr, err, stdout.Bytes(), stderr.Bytes())
			}
			if problems := g.compare(r, cmd.ProcessState.ExitCode()); len(problems) > 0 {
				t.Errorf("%s\n%s", strings.Join(problems, "\n"), stdout.Bytes())
			}
		})
	}
}

// copyModel puts a model where the user of a command may read it.
func copyModel(t *testing.T, cmd *exec.Cmd, path string) {
	t.Helper()
	source, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(filepath.Join(envOf(cmd, "HOME"), filepath.Base(path)), source, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Where a scratch cannot be made no model runs, and its user learns why.
func TestNoScratch(t *testing.T) {
	if os.Geteuid() != 0 {
		return
	}
	cmd := asUser(t, "unshare", "-U", "-r", "sh", "-c",
		"echo 0 > /proc/sys/user/max_user_namespaces; exec setpriv --bounding-set=-all ./hotcell run --json --scratch 1M model.py")
	out, _ := cmd.Output()
	var r guestReport
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("no report: %v\n%s", err, out)
	}
	told := []string{"maker of scratch", "max_user_namespaces", "mend"}
	missing := slices.DeleteFunc(told, func(word string) bool { return strings.Contains(r.Reason, word) })
	if code := cmd.ProcessState.ExitCode(); code != exitHost || r.Verdict != "setup-error" || len(missing) > 0 {
		t.Errorf("exit code %d, %s: %q; want %d, setup-error, and what to do (no %q)", code, r.Verdict, r.Reason, exitHost, missing)
	}
}
