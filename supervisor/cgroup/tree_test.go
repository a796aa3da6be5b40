package cgroup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hotcell/internal/require"
)

var tContext = context.Background()

// open makes a tree for a test. Where the host gives none there is nothing to
// test, and probe's tests say whether the refusal is right.
func open(t testing.TB) *Tree {
	t.Helper()
	tree, err := Open(Options{})
	var missing *MissingError
	if errors.As(err, &missing) {
		require.Skipf(t, "this host has no control groups for this user: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tree.Close(); err != nil {
			t.Errorf("Close() = %v; want nil", err)
		}
		for _, h := range tree.hierarchies {
			if exists(h.dir) {
				t.Errorf("%s is still there after Close", h.dir)
			}
		}
	})
	return tree
}

func newGroup(t testing.TB, tree *Tree, name string) *Group {
	t.Helper()
	g, err := tree.New(name)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// must is for what the test needs rather than tests.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOpen(t *testing.T) {
	tree := open(t)
	l := tree.Layout()
	t.Logf("layout %+v, tree %s", l, tree.name)
	wanted := wantedV1
	if l.Kind == V2 {
		wanted = wantedV2
	}
	if got := slices.Sorted(slices.Values(l.Controllers)); !slices.Equal(got, slices.Sorted(slices.Values(wanted))) {
		t.Errorf("Controllers = %v; want %v", got, wanted)
	}
	for _, h := range tree.hierarchies {
		info, err := os.Stat(h.dir)
		must(t, err)
		if info.Mode().Perm() != 0o700 {
			t.Errorf("mode of %s = %v; want 0700", h.dir, info.Mode())
		}
		if _, err := lockDir(h.dir); !errors.Is(err, errLost) {
			t.Errorf("locking %s = %v; want that it is locked", h.dir, err)
		}
	}
	if err := tree.Close(); err != nil {
		t.Errorf("Close() = %v; want nil", err)
	}
	if _, err := tree.New("late"); !errors.Is(err, os.ErrClosed) {
		t.Errorf("New after Close = %v; want ErrClosed", err)
	}
}

func TestNames(t *testing.T) {
	tree := open(t)
	for _, name := range []string{"", "..", ".", "a/b", "memory.max", "cgroup.procs", "-x", "a b", "ü", strings.Repeat("x", 65)} {
		if _, err := tree.New(name); err == nil {
			t.Errorf("New(%q) = nil; want an error", name)
		}
	}
	newGroup(t, tree, "Model_1-a")
	if _, err := tree.New("Model_1-a"); !errors.Is(err, os.ErrExist) {
		t.Errorf("New of a taken name = %v; want ErrExist", err)
	}
	if _, err := tree.New("tasks"); tree.layout.Kind != V2 && err == nil {
		t.Error("New(tasks) = nil; want an error, a kernel's file has that name")
	}
}

// TestDeadSupervisor kills a supervisor and looks whether the next one clears
// what it left, frozen processes included, and spares a living one.
func TestDeadSupervisor(t *testing.T) {
	base := open(t)
	parent := sandboxParent(t, base)
	hold := func() (*proc, string, string) {
		p := start(t, "hold", []string{parent})
		p.release()
		name, pid, _ := strings.Cut(p.expect(t, "open"), " ")
		return p, name, strings.Fields(pid)[0]
	}
	dead, deadName, deadPid := hold()
	living, livingName, livingPid := hold()

	g := &Group{tree: base, name: deadName + "/held"}
	relocate(base, g, parent)
	must(t, g.Freeze(tContext))
	dead.Process.Kill()
	dead.end()

	tree, err := Open(Options{Parent: parent})
	must(t, err)
	defer tree.Close()
	if err := tree.Stale(); err != nil {
		t.Errorf("Stale() = %v; want nil", err)
	}
	for _, h := range tree.hierarchies {
		if dir := filepath.Join(h.place, deadName); exists(dir) {
			t.Errorf("%s is still there", dir)
		}
		if dir := filepath.Join(h.place, livingName, "held"); !exists(dir) {
			t.Errorf("%s is gone", dir)
		}
	}
	if running(deadPid) {
		t.Errorf("process %s of the dead supervisor is alive", deadPid)
	}
	if !running(livingPid) {
		t.Errorf("process %s of the living supervisor is gone", livingPid)
	}
	living.release()
	living.expect(t, "closed <nil>")
	living.end()
}

// running reports whether a process exists and is not a zombie.
func running(pid string) bool {
	for range 100 { // it may be dying
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") || strings.Contains(string(stat), ") X ") {
			return false
		}
		time.Sleep(time.Millisecond)
	}
	return true
}

// TestManySupervisors starts supervisors at once; each must keep its tree.
func TestManySupervisors(t *testing.T) {
	base := open(t)
	parent := sandboxParent(t, base)
	const n = 24
	var procs []*proc
	for range n {
		procs = append(procs, start(t, "hold", []string{parent}))
	}
	for _, p := range procs {
		p.release()
	}
	names := map[string]bool{}
	for _, p := range procs {
		fields := strings.Fields(p.expect(t, "open"))
		if len(fields) != 3 || fields[2] != "<nil>" {
			t.Fatalf("supervisor said %q; want a name, a process and no error", fields)
		}
		names[fields[0]] = true
	}
	for name := range names {
		for _, h := range base.hierarchies {
			if dir := filepath.Join(placeOf(h, parent), name, "held"); !exists(dir) {
				t.Errorf("%s is gone under its supervisor", dir)
			}
		}
	}
	if len(names) != n {
		t.Errorf("%d trees; want %d", len(names), n)
	}
	for _, p := range procs {
		p.release()
	}
	for _, p := range procs {
		p.expect(t, "closed <nil>")
		p.end()
	}
}
