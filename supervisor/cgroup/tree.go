package cgroup

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
)

// The layouts of a host.
const (
	V1     = "v1"
	Hybrid = "hybrid" // controllers as in v1, a v2 hierarchy without any beside
	V2     = "v2"
)

// Options choose where a tree goes. The zero value takes the place that the
// host offers and wants every controller.
type Options struct {
	// Parent is the group to put the tree in, as /proc/PID/cgroup names one
	// ("/system.slice/hotcell.service"); "" finds one. On v2 the kernel lets an
	// ordinary user move processes only below a group that holds both and is
	// the user's.
	Parent string

	// AllowMissing goes on without controllers that cannot be had, as long as
	// one can; Layout says which. Limits of these are not enforced then.
	AllowMissing bool
}

// A Layout says where a tree is and what holds in it.
type Layout struct {
	Kind        string   // V1, Hybrid or V2
	Parent      string   // the group that holds the tree
	Controllers []string // that hold
	Missing     []string // that do not; empty unless AllowMissing
	SwapBounded bool     // a memory limit counts swap: nothing can be swapped out
}

// A Tree is one supervisor's part of the host's control groups, locked for its
// life. Its methods may be called by any goroutine.
type Tree struct {
	name        string // hotcell-…
	layout      Layout
	hierarchies []*hierarchy
	by          map[string]*hierarchy // by controller

	mu     sync.Mutex
	groups map[string]*Group
	closed bool

	swept chan struct{} // closed when sweep is done
	stale error         // what it could not clear
}

// A hierarchy is one of the host's trees of control groups with this
// supervisor's part of it.
type hierarchy struct {
	v2          bool
	controllers []string // empty in one that only systemd looks at
	mount       mount
	place       string // directory of the group that holds the tree
	dir         string // the tree's own directory
	home        string // of the group this process is in, "" if it is not visible
	lock        *os.File
}

// Open makes a tree. It returns while those that dead supervisors left beside
// it are being cleared: a cold start need not wait for that, Close does. On v2
// it may move this process to another group, see the package comment.
func Open(opts Options) (*Tree, error) {
	h, err := readHost()
	if err != nil {
		return nil, fmt.Errorf("control groups: %w", err)
	}
	t := newTree(h)
	switch t.layout.Kind {
	case V2:
		err = t.placeV2(h, opts)
	case V1, Hybrid:
		err = t.placeV1(h, opts)
	default:
		err = notMounted()
	}
	if err == nil {
		err = t.create(opts)
	}
	if err != nil {
		return nil, fmt.Errorf("control groups: %w", err)
	}
	go func() {
		defer close(t.swept)
		t.stale = t.sweep()
	}()
	return t, nil
}

func newTree(h *host) *Tree {
	return &Tree{
		layout: Layout{Kind: h.kind()},
		groups: map[string]*Group{},
		by:     map[string]*hierarchy{},
		swept:  make(chan struct{}),
	}
}

// Layout says where the tree is and what holds in it.
func (t *Tree) Layout() Layout {
	l := t.layout
	l.Controllers, l.Missing = slices.Clone(l.Controllers), slices.Clone(l.Missing)
	return l
}

// Stale waits until the groups of dead supervisors are cleared (two seconds at
// most) and says why some are still there. They hold nothing back; the next
// Open tries again.
func (t *Tree) Stale() error {
	<-t.swept
	return t.stale
}

// treeName matches trees only, never hotcell-supervisor or a unit's name:
// what matches and is not locked gets killed.
var treeName = regexp.MustCompile(`^hotcell-[0-9a-f]{16}$`)

func randomName() string {
	var b [8]byte
	rand.Read(b[:])
	return "hotcell-" + hex.EncodeToString(b[:])
}

// create makes and locks the tree's directory in every hierarchy. Each loss to
// another Open costs a name; the window is some microseconds wide.
func (t *Tree) create(opts Options) error {
	for range 50 {
		t.name = randomName()
		err := t.claimAll(opts)
		if err == nil {
			return t.settle()
		}
		t.release()
		if !errors.Is(err, errLost) {
			return err
		}
	}
	return fmt.Errorf("mkdir %s: %w", t.name, errLost)
}

func (t *Tree) claimAll(opts Options) error {
	var kept []*hierarchy
	for _, h := range t.hierarchies {
		err := h.claim(t.name)
		if err == nil || errors.Is(err, errLost) {
			kept = append(kept, h)
		}
		switch {
		case err == nil:
		case errors.Is(err, errLost):
			return err
		case opts.AllowMissing && len(h.controllers) > 0:
			t.layout.Missing = append(t.layout.Missing, h.controllers...)
		default:
			return refused(err, h, t.layout.Kind)
		}
	}
	t.hierarchies = kept
	return nil
}

// settle completes the layout once the directories are there.
func (t *Tree) settle() error {
	for _, h := range t.hierarchies {
		if h.v2 && len(h.controllers) > 0 {
			if err := enable(h.dir, h.controllers); err != nil {
				t.release()
				return err
			}
		}
		if !h.v2 && len(h.controllers) == 0 { // systemd's own: no agent for every dead sandbox
			writeFile(filepath.Join(h.dir, "notify_on_release"), "0")
		}
		for _, c := range h.controllers {
			t.by[c] = h
		}
		t.layout.Controllers = append(t.layout.Controllers, h.controllers...)
	}
	if len(t.layout.Controllers) == 0 {
		t.release()
		return noController(t.layout)
	}
	h := t.by[t.layout.Controllers[0]]
	if m := t.by["memory"]; m != nil {
		h = m
		t.layout.SwapBounded = exists(filepath.Join(m.dir, swapFile(m.v2)))
	}
	t.layout.Parent = h.mount.group(h.place)
	return nil
}

func swapFile(v2 bool) string {
	if v2 {
		return "memory.swap.max"
	}
	return "memory.memsw.limit_in_bytes"
}

// release removes what create made so far.
func (t *Tree) release() error {
	var errs []error
	for _, h := range t.hierarchies {
		errs = append(errs, h.release())
	}
	return errors.Join(errs...)
}

// Close kills what runs in the groups and removes them and the tree. After an
// error the tree stays behind unlocked, for the next Open to clear, and
// another Close tries again.
func (t *Tree) Close() error {
	<-t.swept
	t.mu.Lock()
	t.closed = true
	groups := make([]*Group, 0, len(t.groups))
	for _, g := range t.groups {
		groups = append(groups, g)
	}
	t.mu.Unlock()

	var errs []error
	for _, g := range groups { // all first: they die side by side
		errs = append(errs, g.Kill())
	}
	for _, g := range groups {
		errs = append(errs, g.Remove())
	}
	errs = append(errs, t.release())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close control groups: %w", err)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
