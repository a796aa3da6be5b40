package cgroup

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hotcell/internal/require"
)

const nobody = 65534

// say runs a helper that is not told to go on, and returns what it says.
func say(t *testing.T, p *proc) string {
	t.Helper()
	out, err := io.ReadAll(p.out)
	must(t, err)
	p.end()
	t.Log(strings.TrimSpace(string(out)))
	return string(out)
}

func needRootV1(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		require.Skip(t, "needs root, to become another user")
	}
	if kind := open(t).layout.Kind; kind == V2 {
		require.Skip(t, "for v1 hosts; testdata/guest.sh does the same on v2")
	}
}

// TestUserV1Refused: a user without a group of its own is told how to get one,
// and the command does it.
func TestUserV1Refused(t *testing.T) {
	needRootV1(t)
	// The shell is the user's; it is what the mend moves, by its process id.
	script := "exec 2>&1; HOTCELL_CGROUP_HELPER=probe /proc/self/fd/9 || exit; read x; HOTCELL_CGROUP_HELPER=probe /proc/self/fd/9"
	self, err := os.Open("/proc/self/exe")
	must(t, err)
	defer self.Close()
	p := startCmd(t, exec.Command("/bin/sh", "-c", "echo ready; read x; "+script), asUser(nobody), func(cmd *exec.Cmd) {
		cmd.ExtraFiles = []*os.File{6: self}
	})
	p.release()
	p.expect(t, "missing: user 65534 may not make groups")
	mend := p.expect(t, "mend:")
	p.expect(t, "system:")
	t.Log(mend)
	if !strings.HasPrefix(mend, "sudo sh -c '") {
		t.Fatalf("mend = %q; want a command with sudo", mend)
	}
	name := "hotcell-user-" + strconv.Itoa(nobody)
	t.Cleanup(func() { removeEverywhere(t, name) })
	out, err := exec.Command("/bin/sh", "-c", strings.Replace(mend, "sudo ", "", 1)).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Fatalf("the mend = %v, %s; want success", err, out)
	}
	p.release()
	if said := say(t, p); !strings.HasPrefix(said, "layout: ") || strings.Contains(said, "error") {
		t.Errorf("after the mend: %q; want a layout", said)
	}
}

// removeEverywhere removes a group at the roots of the v1 hierarchies.
func removeEverywhere(t *testing.T, name string) {
	h, err := readHost()
	must(t, err)
	for _, c := range wantedV1 {
		if m, _, ok := h.locate(c, "/"); ok {
			must(t, removeDir(filepath.Join(m.point, name), time.Now().Add(2*time.Second)))
		}
	}
}

// TestUserV1Stale: a user's supervisor clears the dead trees of that user and
// leaves root's alone, dead or not.
func TestUserV1Stale(t *testing.T) {
	needRootV1(t)
	base := open(t)
	parent := sandboxParent(t, base)
	var roots []string
	for _, h := range base.hierarchies {
		place := placeOf(h, parent)
		must(t, os.Chown(place, nobody, nobody))
		must(t, os.Chown(place+"/cgroup.procs", nobody, nobody))
		dir := filepath.Join(place, "hotcell-00000000000000ff")
		must(t, os.Mkdir(dir, 0o700))
		t.Cleanup(func() { os.Remove(dir) })
		roots = append(roots, dir)
	}
	first := start(t, "hold", []string{parent}, asUser(nobody))
	first.release()
	name, _, _ := strings.Cut(first.expect(t, "open"), " ")
	first.Process.Kill()
	first.end()

	second := start(t, "hold", []string{parent}, asUser(nobody))
	second.release()
	if said := second.expect(t, "open"); !strings.HasSuffix(said, "<nil>") {
		t.Errorf("second supervisor said %q; want no error", said)
	}
	for i, h := range base.hierarchies {
		if dir := filepath.Join(placeOf(h, parent), name); exists(dir) {
			t.Errorf("%s is still there", dir)
		}
		if !exists(roots[i]) {
			t.Errorf("%s of root is gone", roots[i])
		}
	}
	second.release()
	second.expect(t, "closed <nil>")
}
