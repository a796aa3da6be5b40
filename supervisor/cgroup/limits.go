package cgroup

import (
	"fmt"
	"math"
	"os"
	"slices"
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
	cpuPeriod = 100_000 // microseconds, the kernel's default
	minCPUs   = 0.01    // the kernel takes no quota below a millisecond

	// For the library a limit below zero is one it is not to write. More than
	// the kernel can count is no limit, and there are never this many ids.
	unlimitedBytes = math.MaxInt64
	unlimitedPids  = 4 << 20
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

func (l Limits) memory() int64 {
	if l.Memory == Unlimited {
		return unlimitedBytes
	}
	return l.Memory
}

func (l Limits) pids() int64 {
	if l.Pids == Unlimited {
		return unlimitedPids
	}
	return l.Pids
}

// quota is the CPU time in a period, in microseconds.
func (l Limits) quota() int64 {
	if l.CPUs == Unlimited {
		return -1
	}
	return int64(math.Round(l.CPUs * cpuPeriod))
}

// Set gives the group its limits, all three. The memory limit is hard: what
// does not fit ends in an out-of-memory kill, of the whole group on v2.
func (g *Group) Set(limits Limits) error {
	err := limits.check()
	if err == nil {
		g.mu.Lock()
		err = g.control.set(g.limits, limits)
		if err == nil {
			g.limits = limits
		}
		g.mu.Unlock()
	}
	if err != nil {
		return fmt.Errorf("limits of control group %s: %w", g.name, err)
	}
	return nil
}

func (t *Tree) holds(controller string) bool {
	return slices.Contains(t.layout.Controllers, controller)
}
