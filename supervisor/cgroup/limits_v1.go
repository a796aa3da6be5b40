package cgroup

import (
	"fmt"

	"github.com/containerd/cgroups/v3/cgroup1"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// controlV1 is a group in v1 hierarchies.
type controlV1 struct {
	group  cgroup1.Cgroup
	memory bool // the controller is there
	memsw  bool // and counts swap
}

// newControlV1 makes the directories.
func newControlV1(g *Group) (controller, error) {
	dirs := map[cgroup1.Name]string{}
	var subsystems []cgroup1.Subsystem
	for i, h := range g.tree.hierarchies {
		for _, s := range subsystemsOf(h, i) {
			dirs[s.Name()] = g.dirIn(h)
			subsystems = append(subsystems, s)
		}
	}
	// The library roots a controller at ROOT/CONTROLLER, which says nothing of
	// hosts that mount two together or elsewhere. With the root "/", a step up
	// takes the controller's name off again.
	path := func(name cgroup1.Name) (string, error) { return "../" + dirs[name], nil }
	group, err := cgroup1.New(path, &specs.LinuxResources{},
		cgroup1.WithHierarchy(func() ([]cgroup1.Subsystem, error) { return subsystems, nil }))
	if err != nil {
		return nil, err
	}
	return &controlV1{group, g.tree.holds("memory"), g.tree.layout.SwapBounded}, nil
}

// subsystemsOf names to the library what it is to write in a hierarchy: the
// controllers with limits, or else one entry that makes the directory and
// takes the processes.
func subsystemsOf(h *hierarchy, i int) []cgroup1.Subsystem {
	var list []cgroup1.Subsystem
	for _, c := range h.controllers {
		switch c {
		case "memory":
			list = append(list, cgroup1.NewMemory("/"))
		case "pids":
			list = append(list, cgroup1.NewPids("/"))
		case "cpu":
			list = append(list, cgroup1.NewCpu("/"))
		}
	}
	if list == nil {
		list = append(list, cgroup1.NewNamed("/", cgroup1.Name(fmt.Sprint("bare-", i))))
	}
	return list
}

func (c *controlV1) add(pid int) error {
	return c.group.AddProc(uint64(pid))
}

func (c *controlV1) set(old, limits Limits) error {
	quota, period := limits.quota(), uint64(cpuPeriod)
	pids := limits.pids()
	err := c.group.Update(&specs.LinuxResources{
		CPU:  &specs.LinuxCPU{Quota: &quota, Period: &period},
		Pids: &specs.LinuxPids{Limit: &pids},
	})
	if err != nil || !c.memory {
		return err
	}
	// The kernel holds memory <= memory and swap together at every moment, so
	// the order is the one of growing or of shrinking. In one update the
	// library always writes memory first.
	bytes := limits.memory()
	memory, swap := &specs.LinuxMemory{Limit: &bytes}, &specs.LinuxMemory{Swap: &bytes}
	if !c.memsw {
		none := uint64(0) // swap is not counted: at least do not choose it
		swap = &specs.LinuxMemory{Swappiness: &none}
	}
	steps := []*specs.LinuxMemory{memory, swap}
	if old.Memory > 0 && bytes > old.Memory {
		steps = []*specs.LinuxMemory{swap, memory}
	}
	for _, step := range steps {
		if err := c.group.Update(&specs.LinuxResources{Memory: step}); err != nil {
			return err
		}
	}
	return nil
}
