package cgroup

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sandboxParent makes a group below a tree, in every hierarchy, in which other
// supervisors can put theirs, and returns its name for Options.Parent. On v1
// the tree must be in the same group everywhere for one name to do; where it is
// not, the group goes to the roots.
func sandboxParent(t *testing.T, base *Tree) string {
	t.Helper()
	group := base.hierarchies[0].mount.group(base.hierarchies[0].dir)
	for _, h := range base.hierarchies {
		if h.mount.group(h.dir) != group {
			group = "/hotcell-test-" + strings.TrimPrefix(base.name, "hotcell-")
		}
	}
	parent := group
	if base.layout.Kind != V2 && !strings.HasPrefix(group, "/hotcell-test-") || base.layout.Kind == V2 {
		parent = group + "/parent"
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

func cloneInto(dir *os.File) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		cmd.SysProcAttr.UseCgroupFD = true
		cmd.SysProcAttr.CgroupFD = int(dir.Fd())
	}
}

// asUser gives a helper the identity of an ordinary user.
func asUser(uid int) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
		cmd.Dir = "/"
	}
}

// inGroup moves a started process by hand.
func inGroup(t *testing.T, dir, pid string) {
	t.Helper()
	must(t, writeFile(filepath.Join(dir, "cgroup.procs"), pid))
}
