package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// ordinary is a uid and gid that no account has.
const ordinary = "4242"

// asUser gives a command that runs as an ordinary user in control groups that
// are delegated to him. The tests run as root; an ordinary user's own tests
// are all of the others.
func asUser(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	home := t.TempDir()
	for dir := home; dir != "/"; dir = filepath.Dir(dir) {
		if strings.HasPrefix(dir, os.TempDir()+"/") {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	// The binary and the models may lie where only root may enter.
	copied := filepath.Join(home, "hotcell")
	data, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, data, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "model.py"), []byte("def model():\n    return 6 * 7\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	script := `set -e
for dir in $GROUPS_OF_TEST; do echo $$ > $dir/cgroup.procs; done
cd "$HOME"
exec setpriv --reuid 4242 --regid 4242 --clear-groups "$@"`
	cmd := exec.Command("sh", append([]string{"-c", script, "sh"}, args...)...)
	cmd.Env = []string{"HOME=" + home, "PATH=/usr/bin:/bin", "GROUPS_OF_TEST=" + strings.Join(delegate(t), " ")}
	if err := exec.Command("chown", "-R", ordinary+":"+ordinary, home).Run(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// delegate makes a group in every hierarchy and gives it to the ordinary
// user: what systemd does for a user's manager.
func delegate(t *testing.T) []string {
	t.Helper()
	name := fmt.Sprintf("delegated-test-%d", os.Getpid())
	var dirs []string
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		if err := os.WriteFile("/sys/fs/cgroup/cgroup.subtree_control", []byte("+memory +pids +cpu"), 0o644); err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, filepath.Join("/sys/fs/cgroup", name))
	} else {
		for _, controller := range []string{"memory", "pids", "cpu", "cpuacct", "freezer", "systemd", "unified"} {
			if _, err := os.Stat("/sys/fs/cgroup/" + controller); err == nil {
				dirs = append(dirs, filepath.Join("/sys/fs/cgroup", controller, name))
			}
		}
	}
	for _, dir := range dirs {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			// On v2 the supervisor leaves its own leaf to its unit's manager.
			os.Remove(filepath.Join(dir, "hotcell-supervisor"))
			if err := os.Remove(dir); err != nil {
				t.Error(err)
			}
		})
		if err := exec.Command("chown", "-R", ordinary+":"+ordinary, dir).Run(); err != nil {
			t.Fatal(err)
		}
	}
	return dirs
}

func TestOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		return // then all other tests are this one
	}
	for _, test := range []struct {
		what string
		args []string
		exit int
		want string
	}{
		{"an ordinary user", []string{"./hotcell", "run", "--json", "model.py"}, 0, `"value": 42`},
		{"root of a user namespace", []string{"unshare", "-U", "-r", "./hotcell", "run", "--json", "model.py"}, 0, `"value": 42`},
		{"no user namespaces", []string{"unshare", "-U", "-r", "sh", "-c",
			"echo 0 > /proc/sys/user/max_user_namespaces; exec ./hotcell run model.py"}, 125, "max_user_namespaces"},
		{"no user namespaces, weaker limits allowed", []string{"unshare", "-U", "-r", "sh", "-c",
			"echo 0 > /proc/sys/user/max_user_namespaces; exec ./hotcell run --allow-degraded model.py"}, 125, "weakens limits only"},
	} {
		t.Run(test.what, func(t *testing.T) {
			cmd := asUser(t, test.args...)
			out, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != test.exit || !strings.Contains(string(out), test.want) {
				t.Errorf("exit code %d; want %d and %s\n%s", code, test.exit, test.want, out)
			}
		})
	}
}

// Without a delegated group there is nowhere to put a model: it does not run,
// and the user learns what to do.
func TestNoControlGroup(t *testing.T) {
	if os.Geteuid() != 0 {
		return
	}
	cmd := withoutGroups(t, "./hotcell", "run", "model.py")
	out, _ := cmd.CombinedOutput()
	told := regexp.MustCompile(`control group.*\(mend: .*\); or take weaker limits with --allow-degraded`)
	if code := cmd.ProcessState.ExitCode(); code != exitHost || !told.Match(out) {
		t.Errorf("exit code %d; want %d and what to do\n%s", code, exitHost, out)
	}
}
