package cgroup

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hotcell/internal/require"
)

func TestMissingError(t *testing.T) {
	err := error(&MissingError{"no memory controller", "reboot", unix.EROFS})
	if got, want := err.Error(), "no memory controller: read-only file system (mend: reboot)"; got != want {
		t.Errorf("Error() = %q; want %q", got, want)
	}
	if !errors.Is(err, unix.EROFS) {
		t.Error("errors.Is(err, EROFS) = false; want true")
	}
}

// TestRefused: every refusal is one line that has a mend.
func TestRefused(t *testing.T) {
	h := &hierarchy{mount: mount{root: "/", point: "/sys/fs/cgroup", v2: true}, place: "/sys/fs/cgroup/a"}
	path := func(err error) error { return &os.PathError{Op: "mkdir", Path: h.place, Err: err} }
	tests := map[string]struct {
		err  error
		what string
	}{
		"read-only": {refused(path(unix.EROFS), h, V2), "mounted read-only at /sys/fs/cgroup"},
		"denied":    {refused(path(unix.EACCES), h, V2), "may not make groups in control group /a"},
		"threaded":  {refused(path(unix.EOPNOTSUPP), h, V2), "is threaded"},
		"crowded":   {refused(crowded("/sys/fs/cgroup", "/", []int{1, 7}), h, V2), "holds other processes [1 7]"},
		"unmounted": {notMounted(), "no control group file system"},
		"hidden":    {notFound(&host{mounts: []mount{{root: "/x", point: "/m", v2: true}}, unified: "/y"}, Options{}, "", "/y"), "does not show this process's group /y"},
		"parent":    {notFound(&host{mounts: []mount{{root: "/", point: "/m", v2: true}}}, Options{Parent: "/no"}, "", "/no"), "control group /no is not there"},
		"no v2":     {notFound(&host{}, Options{}, "", ""), "no control group file system"},
		"unknown":   {missingController("teapots", V1), "the kernel has no teapots controller"},
		"none":      {noController(Layout{Missing: []string{"memory"}}), "none of the controllers memory"},
		"manager":   {noManager(fs.ErrNotExist, "/a"), "is systemd's"},
		"scope":     {noScope(fs.ErrNotExist), "refused a scope"},
		"unit":      {undelegated("a.service"), "the unit a.service"},
		"outside":   {outside("/a", "/b"), "from control group /b"},
	}
	for name, tt := range tests {
		var m *MissingError
		if !errors.As(tt.err, &m) {
			t.Errorf("%s: %v; want a *MissingError", name, tt.err)
			continue
		}
		if !strings.Contains(m.What, tt.what) || m.Mend == "" || strings.Contains(m.What+m.Mend, "\n") {
			t.Errorf("%s: What %q, Mend %q; want %q, some mend, one line each", name, m.What, m.Mend, tt.what)
		}
	}
	if err := refused(unix.EAGAIN, h, V2); err != unix.EAGAIN {
		t.Errorf("refused(EAGAIN) = %v; want it unchanged", err)
	}
}

func TestQuote(t *testing.T) {
	for path, want := range map[string]string{"/sys/fs/cgroup": "/sys/fs/cgroup", "/a b": `"/a b"`, "/a$b": `"/a\$b"`} {
		if got := quote(path); got != want {
			t.Errorf("quote(%q) = %s; want %s", path, got, want)
		}
	}
}

// TestAllowMissing takes a controller's mount away and looks who complains.
func TestAllowMissing(t *testing.T) {
	open(t)
	h, err := readHost()
	must(t, err)
	if h.kind() == V2 {
		require.Skip(t, "on v2 the controllers are not mounts")
	}
	for i := range h.mounts {
		if h.mounts[i].carries("pids") {
			h.mounts[i].names = nil
		}
	}
	tree := newTree(h)
	close(tree.swept)
	var missing *MissingError
	if err := tree.placeV1(h, Options{}); !errors.As(err, &missing) {
		t.Errorf("placeV1 without pids = %v; want a *MissingError", err)
	}
	tree.hierarchies = nil
	must(t, tree.placeV1(h, Options{AllowMissing: true}))
	must(t, tree.create(Options{AllowMissing: true}))
	defer tree.Close()
	if l := tree.Layout(); strings.Join(l.Missing, ",") != "pids" || strings.Join(l.Controllers, ",") != "freezer,memory,cpu,cpuacct" {
		t.Errorf("layout = %+v; want pids missing", l)
	}
	must(t, probeWithoutPids(tree))
}

func probeWithoutPids(tree *Tree) error {
	g, err := tree.New("g")
	if err != nil {
		return err
	}
	err = g.Set(small)
	u, usageErr := g.Usage()
	if u.Pids != 0 {
		err = errors.New("a figure without a controller")
	}
	return errors.Join(err, usageErr, g.Reset())
}
