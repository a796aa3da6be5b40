package doctor

import (
	"errors"

	"hotcell/supervisor/cgroup"
)

// groups is what came of making control groups as a supervisor does.
type groups struct {
	layout cgroup.Layout
	exact  bool // the memory peak
	err    error
}

// tryGroups makes a tree with a limited group in it and removes both.
func tryGroups() groups {
	tree, err := cgroup.Open(cgroup.Options{})
	if err != nil {
		return groups{err: err}
	}
	g := groups{layout: tree.Layout()}
	g.exact, g.err = tryGroup(tree)
	g.err = errors.Join(g.err, tree.Close())
	return g
}

func tryGroup(tree *cgroup.Tree) (exact bool, err error) {
	group, err := tree.New("doctor")
	if err != nil {
		return false, err
	}
	if err := group.Set(cgroup.Limits{Memory: 64 << 20, Pids: 16, CPUs: 1}); err != nil {
		return false, err
	}
	if err := group.Reset(); err != nil {
		return false, err
	}
	usage, err := group.Usage()
	return usage.PeakExact, errors.Join(err, group.Remove())
}
