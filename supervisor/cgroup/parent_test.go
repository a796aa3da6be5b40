package cgroup

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotcell/internal/require"
)

// sandboxParent makes a group in which other supervisors can put their trees,
// and returns its name for Options.Parent. On v1 it is below the hierarchies'
// roots: the base tree may have another place in each, and no one name then.
func sandboxParent(t *testing.T, base *Tree) string {
	t.Helper()
	h := base.hierarchies[0]
	parent := h.mount.group(h.dir) + "/parent"
	if base.layout.Kind != V2 {
		if os.Geteuid() != 0 {
			require.Skip(t, "needs root, to make a group at the roots of v1 hierarchies")
		}
		parent = "/hotcell-test-" + strings.TrimPrefix(base.name, "hotcell-")
	}
	for _, h := range base.hierarchies {
		dir := placeOf(h, parent)
		must(t, os.MkdirAll(dir, 0o755))
		t.Cleanup(func() { must(t, removeDir(dir, time.Now().Add(2*time.Second))) })
		if h.v2 && len(h.controllers) > 0 {
			must(t, enable(dir, h.controllers))
		}
	}
	return parent
}

// placeOf is a group's directory in a hierarchy.
func placeOf(h *hierarchy, group string) string {
	dir, _ := h.mount.dir(group)
	return dir
}

// relocate makes g, whose name is a path below parent, usable for a freeze.
func relocate(base *Tree, g *Group, parent string) {
	copies := &Tree{layout: base.layout, by: map[string]*hierarchy{}}
	for _, h := range base.hierarchies {
		c := *h
		c.dir = placeOf(h, parent)
		copies.hierarchies = append(copies.hierarchies, &c)
		for _, name := range h.controllers {
			copies.by[name] = &c
		}
	}
	g.tree = copies
}

// asUser gives a helper the identity of an ordinary user.
func asUser(uid int) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
		cmd.Dir = "/"
	}
}
