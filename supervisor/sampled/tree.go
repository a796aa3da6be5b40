package sampled

import (
	"errors"
	"slices"

	"hotcell/supervisor/cgroup"
)

// controllers are all that a supervisor wants, by their names on v1.
var controllers = []string{"memory", "pids", "cpu", "cpuacct", "freezer"}

// A Tree makes groups. It is safe for concurrent use.
type Tree struct {
	inner  *cgroup.Tree // nil where the host gives none
	layout cgroup.Layout
}

// Open takes what control groups can be had.
func Open(opts cgroup.Options) (*Tree, error) {
	opts.AllowMissing = true
	inner, err := cgroup.Open(opts)
	t := &Tree{inner: inner}
	if _, missing := errors.AsType[*cgroup.MissingError](err); missing {
		t.inner, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	if t.inner != nil {
		t.layout = t.inner.Layout()
	}
	t.layout.Missing = nil
	for _, c := range controllers {
		if !t.has(c) {
			t.layout.Missing = append(t.layout.Missing, c)
		}
	}
	return t, nil
}

// has tells whether the kernel does it. On v2 the freezer and the clock are in
// every group, without a controller.
func (t *Tree) has(controller string) bool {
	return slices.Contains(t.layout.Controllers, controller) ||
		t.layout.Kind == cgroup.V2 && t.inner != nil && (controller == "freezer" || controller == "cpuacct")
}

// Layout says what the kernel does, and in Missing what is done here.
func (t *Tree) Layout() cgroup.Layout {
	l := t.layout
	l.Controllers, l.Missing = slices.Clone(l.Controllers), slices.Clone(l.Missing)
	return l
}

// New makes an empty group without limits.
func (t *Tree) New(name string) (*Group, error) {
	g := &Group{tree: t, name: name}
	if t.inner != nil {
		var err error
		if g.inner, err = t.inner.New(name); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// Close gives the control groups back.
func (t *Tree) Close() error {
	if t.inner == nil {
		return nil
	}
	return t.inner.Close()
}
