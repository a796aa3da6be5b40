package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"hotcell/supervisor/cgroup"
	"hotcell/supervisor/sampled"
)

// A group bounds, counts, freezes and ends what runs in one sandbox or
// template: a control group of the kernel's or, where somebody chose weaker
// limits, a stand-in for it.
type group interface {
	Set(cgroup.Limits) error
	Spawn(*syscall.SysProcAttr, func() error) error
	Add(pid int) error
	Reset() error
	Usage() (cgroup.Usage, error)
	CPUTime() (time.Duration, error)
	Freeze(context.Context) error
	Thaw() error
	Remove() error
}

// enterable is a group that a process with one thread goes into by itself,
// which spares the host a stop of all its forks.
type enterable interface {
	Entrances() ([]*os.File, error)
	Holds(pid int) (bool, error)
}

// yielding is a group whose processes can be put behind those of others.
type yielding interface{ Yield(behind bool) error }

// groups are a supervisor's.
type groups interface {
	New(name string) (group, error)
	Layout() cgroup.Layout
	Close() error
}

// openGroups takes a place among the host's control groups. Where the host has
// not all of them to give, it fails unless that is allowed.
func openGroups(opts Options) (groups, error) {
	place := cgroup.Options{Parent: opts.CgroupParent}
	tree, err := cgroup.Open(place)
	if err == nil {
		return kernelGroups{tree}, nil
	}
	if _, missing := errors.AsType[*cgroup.MissingError](err); !missing {
		return nil, err
	}
	if !opts.AllowDegraded {
		return nil, fmt.Errorf("%w; or take weaker limits with --allow-degraded", err)
	}
	weaker, err := sampled.Open(place)
	if err != nil {
		return nil, err
	}
	return sampledGroups{weaker}, nil
}

type kernelGroups struct{ *cgroup.Tree }

func (k kernelGroups) New(name string) (group, error) {
	g, err := k.Tree.New(name)
	if err != nil {
		return nil, err
	}
	if !k.Entered() {
		return movedGroup{g}, nil
	}
	return g, nil
}

// movedGroup is a group of a hierarchy where a process is better moved.
type movedGroup struct{ *cgroup.Group }

// Entrances gives none.
func (movedGroup) Entrances() ([]*os.File, error) { return nil, nil }

type sampledGroups struct{ *sampled.Tree }

func (s sampledGroups) New(name string) (group, error) {
	g, err := s.Tree.New(name)
	if err != nil {
		return nil, err
	}
	return g, nil
}
