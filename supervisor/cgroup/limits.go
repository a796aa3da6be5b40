package cgroup

import (
	"fmt"
	"math"
	"os"
	"strconv"
)

// Unlimited is a limit that is none. It has to be said: zero, which a
// forgotten field is, is refused.
const Unlimited = -1

// Limits are what the kernel enforces on the processes of a group together.
type Limits struct {
	Memory int64   // bytes, pages of files and of the kernel included, and no swap on top
	Pids   int64   // processes and threads
	CPUs   float64 // processors' worth of time in each 100 ms
}

const (
	cpuPeriod = 100_000 // microseconds; the kernel's default on v1
	minCPUs   = 0.01    // the kernel takes no quota below a millisecond
)

func (l Limits) check() error {
	if l.Memory <= 0 && l.Memory != Unlimited {
		return fmt.Errorf("memory limit %d: %w", l.Memory, os.ErrInvalid)
	}
	if l.Pids <= 0 && l.Pids != Unlimited {
		return fmt.Errorf("limit of %d processes: %w", l.Pids, os.ErrInvalid)
	}
	if !(l.CPUs >= minCPUs && l.CPUs <= 1<<16) && l.CPUs != Unlimited { // NaN fails too
		return fmt.Errorf("limit of %v CPUs, at least %v: %w", l.CPUs, minCPUs, os.ErrInvalid)
	}
	return nil
}

// quota is the CPU time in a period, in microseconds.
func (l Limits) quota() int64 {
	if l.CPUs == Unlimited {
		return Unlimited
	}
	return int64(math.Round(l.CPUs * cpuPeriod))
}

// Set gives the group its limits, all three. The memory limit is hard: what
// does not fit ends in an out-of-memory kill, of the whole group on v2.
func (g *Group) Set(limits Limits) error {
	err := limits.check()
	if err == nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		err = g.write(g.settings(limits))
	}
	if err != nil {
		return fmt.Errorf("limits of control group %s: %w", g.name, err)
	}
	g.limits = limits
	return nil
}

// A setting is a value for a controller's file.
type setting struct{ controller, file, value string }

// write writes those whose controller there is.
func (g *Group) write(settings []setting) error {
	for _, s := range settings {
		if path := g.file(s.controller, s.file); path != "" {
			if err := writeFile(path, s.value); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *Group) settings(l Limits) []setting {
	if g.tree.layout.Kind == V2 {
		return g.settingsV2(l)
	}
	return g.settingsV1(l)
}

func (g *Group) settingsV1(l Limits) []setting {
	bytes := strconv.FormatInt(l.Memory, 10)
	memory := setting{"memory", "memory.limit_in_bytes", bytes}
	swap := setting{"memory", "memory.memsw.limit_in_bytes", bytes}
	if !g.tree.layout.SwapBounded {
		swap = setting{"memory", "memory.swappiness", "0"} // at least do not choose to swap
	}
	// At every moment the kernel wants memory <= memory and swap together, so
	// the order is the one of shrinking or of growing.
	list := []setting{memory, swap}
	if old := g.limits.Memory; old > 0 && (l.Memory > old || l.Memory == Unlimited) {
		list = []setting{swap, memory}
	}
	return append(list,
		setting{"pids", "pids.max", orMax(l.Pids)},
		setting{"cpu", "cpu.cfs_quota_us", strconv.FormatInt(l.quota(), 10)})
}

func (g *Group) settingsV2(l Limits) []setting {
	list := []setting{
		{"memory", "memory.max", orMax(l.Memory)},
		{"pids", "pids.max", orMax(l.Pids)},
		{"cpu", "cpu.max", orMax(l.quota()) + " " + strconv.Itoa(cpuPeriod)},
	}
	if g.limits == (Limits{}) { // the first time
		list = append(list, setting{"memory", "memory.oom.group", "1"})
		if g.tree.layout.SwapBounded {
			list = append(list, setting{"memory", swapFile(true), "0"})
		}
	}
	return list
}

func orMax(n int64) string {
	if n == Unlimited {
		return "max"
	}
	return strconv.FormatInt(n, 10)
}
