package cgroup

import (
	"os"

	"github.com/containerd/cgroups/v3/cgroup2"
)

// controlV2 is a group in the unified hierarchy.
type controlV2 struct {
	group *cgroup2.Manager
	tree  *Tree
}

func newControlV2(g *Group) (controller, error) {
	h := g.tree.hierarchies[0]
	dir := g.dirIn(h)
	// By hand: the library's NewManager would switch controllers on in every
	// group from the mount's root down, which is the business of their owners.
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	group, err := cgroup2.Load("/"+g.name, cgroup2.WithMountpoint(h.dir))
	if err != nil {
		return nil, err
	}
	return &controlV2{group, g.tree}, nil
}

func (c *controlV2) add(pid int) error {
	return c.group.AddProc(uint64(pid))
}

func (c *controlV2) set(_, limits Limits) error {
	r := &cgroup2.Resources{}
	if c.tree.holds("memory") {
		bytes, whole := limits.memory(), true
		r.Memory = &cgroup2.Memory{Max: &bytes, OOMGroup: &whole}
		if c.tree.layout.SwapBounded {
			r.Memory.Swap = new(int64)
		}
	}
	if c.tree.holds("pids") {
		r.Pids = &cgroup2.Pids{Max: limits.pids()}
	}
	if c.tree.holds("cpu") {
		period, quota := uint64(cpuPeriod), limits.quota()
		r.CPU = &cgroup2.CPU{Max: cgroup2.NewCPUMax(&quota, &period)}
		if limits.CPUs == Unlimited {
			r.CPU.Max = cgroup2.NewCPUMax(nil, &period)
		}
	}
	return c.group.Update(r)
}
