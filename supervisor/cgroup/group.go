package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A Group holds the processes of one sandbox or template. Its methods may be
// called by any goroutine.
type Group struct {
	tree *Tree
	name string

	gate   sync.Mutex // orders what lets processes in, Freeze and Kill
	ended  bool
	frozen bool // or being frozen
	split  bool // an Add failed halfway: the hierarchies may differ

	mu      sync.Mutex // what follows
	limits  Limits     // the last that were set
	since   Usage      // the figures at Reset
	peak    peakReader
	dir     *os.File
	removed bool
}

// groupName keeps clear of the kernel's own file names, which have a dot or
// are in the way of mkdir, and of systemd's unit names.
var groupName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// New makes an empty group without limits. The name is the caller's: letters,
// digits, "-" and "_", at most 64, and free in this tree.
func (t *Tree) New(name string) (*Group, error) {
	if !groupName.MatchString(name) {
		return nil, fmt.Errorf("control group %q: not a name", name)
	}
	g := &Group{tree: t, name: name}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, fmt.Errorf("control group %s: %w", name, os.ErrClosed)
	}
	if t.groups[name] != nil {
		return nil, fmt.Errorf("control group %s: %w", name, os.ErrExist)
	}
	if err := g.create(); err != nil {
		return nil, fmt.Errorf("control group %s: %w", name, errors.Join(err, g.rmdir(time.Time{})))
	}
	t.groups[name] = g
	return g, nil
}

func (g *Group) create() error {
	for _, h := range g.tree.hierarchies {
		if err := os.Mkdir(g.dirIn(h), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// Name is the name given to New.
func (g *Group) Name() string { return g.name }

func (g *Group) dirIn(h *hierarchy) string { return filepath.Join(h.dir, g.name) }

// file is the path of a controller's file, "" without the controller.
func (g *Group) file(controller, name string) string {
	h := g.tree.by[controller]
	if h == nil {
		return ""
	}
	return h.dir + "/" + g.name + "/" + name
}

// File is the group's directory for clone3's CLONE_INTO_CGROUP, by which a
// process is born in the group. It belongs to the group, which closes it in
// Remove. On v1 it is nil; Spawn works everywhere.
func (g *Group) File() (*os.File, error) {
	if g.tree.layout.Kind != V2 {
		return nil, nil
	}
	f, err := g.directory(g.tree.hierarchies[0])
	if err != nil {
		return nil, fmt.Errorf("control group %s: %w", g.name, err)
	}
	return f, nil
}

// directory opens the group's directory in the v2 hierarchy, once.
func (g *Group) directory(h *hierarchy) (*os.File, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.removed {
		return nil, ErrEnded
	}
	if g.dir == nil {
		fd, err := openat(g.dirIn(h), unix.O_RDONLY|unix.O_DIRECTORY)
		if err != nil {
			return nil, err
		}
		g.dir = os.NewFile(uintptr(fd), g.dirIn(h))
	}
	return g.dir, nil
}

// removeLimit bounds Remove. Freeing the memory of a large process takes the
// kernel a while.
const removeLimit = 5 * time.Second

// Remove kills what is left in the group and removes it. After an error it is
// still there and Remove may be called again; Close does too.
func (g *Group) Remove() error {
	g.gate.Lock()
	g.ended = true
	g.gate.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.removed {
		return nil
	}
	if err := g.rmdir(time.Now().Add(removeLimit)); err != nil {
		return fmt.Errorf("remove control group %s: %w%s", g.name, err, g.survivors())
	}
	g.removed = true
	g.peak.close()
	if g.dir != nil {
		g.dir.Close()
	}
	g.tree.mu.Lock()
	delete(g.tree.groups, g.name)
	g.tree.mu.Unlock()
	return nil
}

// rmdir removes the group everywhere, in one pass where it is empty already.
func (g *Group) rmdir(deadline time.Time) error {
	var errs []error
	for _, h := range g.tree.hierarchies {
		dir := g.dirIn(h)
		err := removeDir(dir, time.Time{})
		if errors.Is(err, unix.EBUSY) {
			err = errors.Join(killDir(dir, deadline), removeDir(dir, deadline))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// survivors names what would not die, for a message.
func (g *Group) survivors() string {
	var lines []string
	for _, h := range g.tree.hierarchies {
		if list, err := processes(g.dirIn(h)); err == nil && len(list) > 0 {
			lines = append(lines, fmt.Sprintf("; processes in %s: %v", g.dirIn(h), list))
		}
	}
	return strings.Join(lines, "")
}

func (g *Group) freezer() (freezer, error) {
	h := g.tree.by["freezer"]
	kind := freezerV1
	if g.tree.layout.Kind == V2 {
		h, kind = g.tree.hierarchies[0], freezerV2
	}
	if h == nil {
		return freezer{}, missingController("freezer", g.tree.layout.Kind)
	}
	return freezer{g.dirIn(h), kind}, nil
}
