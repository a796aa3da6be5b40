package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Usage is what the processes of a group use and used, dead ones included. All
// but the present state counts from Reset, or from New. A figure whose
// controller is missing is 0.
type Usage struct {
	Memory int64 // bytes charged now: the processes' own, files' pages, the kernel's for them
	Anon   int64 // of these, memory of no file: heaps, stacks

	// MemoryPeak is the highest Memory. PeakExact is false where the kernel
	// cannot tell: it keeps no peak (v2 before Linux 5.19: the highest that
	// Usage has seen), or none since Reset (v2 before 6.12: then it may be older).
	MemoryPeak int64
	PeakExact  bool

	CPU  time.Duration
	Pids int64 // processes and threads now

	OOMKills         int64 // processes killed for want of memory
	MemoryLimitHits  int64 // allocations that met the limit; v1 may count the fatal ones only
	PidsLimitHits    int64 // forks refused
	MemoryBeforehand int64 // Memory at Reset: what the figures of before left behind
}

// Usage reads all figures. For CPU time alone CPUTime is cheaper.
func (g *Group) Usage() (Usage, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var u Usage
	err := ErrEnded
	if !g.removed {
		u, err = g.read()
	}
	if err != nil {
		return Usage{}, fmt.Errorf("figures of control group %s: %w", g.name, err)
	}
	u.CPU -= g.since.CPU
	u.OOMKills -= g.since.OOMKills
	u.MemoryLimitHits -= g.since.MemoryLimitHits
	u.PidsLimitHits -= g.since.PidsLimitHits
	u.MemoryBeforehand = g.since.Memory
	return u, nil
}

// CPUTime is Usage.CPU.
func (g *Group) CPUTime() (time.Duration, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	total, err := g.cpuTotal()
	if err != nil {
		return 0, fmt.Errorf("CPU time of control group %s: %w", g.name, err)
	}
	return total - g.since.CPU, nil
}

// Reset makes the figures count from now. What a waiting process does not use
// it does not change either, so a pool can do it ahead of the hand-over.
func (g *Group) Reset() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	err := g.peak.reset(g)
	if err == nil {
		r := &reader{group: g}
		g.since, err = r.counters(), r.err
	}
	if err != nil {
		return fmt.Errorf("reset figures of control group %s: %w", g.name, err)
	}
	return nil
}

// read returns the figures since the group was made.
func (g *Group) read() (Usage, error) {
	r := &reader{group: g}
	u := r.counters()
	anon := "total_rss"
	if g.tree.layout.Kind == V2 {
		anon = "anon"
	}
	u.Anon = r.keyed("memory", "memory.stat", anon)
	u.Pids = r.number("pids", "pids.current")
	if g.tree.by["memory"] != nil && r.err == nil {
		u.MemoryPeak, u.PeakExact, r.err = g.peak.read(g, u.Memory)
	}
	return u, r.err
}

// counters are what Reset has to know, and Memory.
func (r *reader) counters() Usage {
	u := Usage{CPU: r.cpu()}
	if r.group.tree.layout.Kind == V2 {
		u.Memory = r.number("memory", "memory.current")
		events := r.file("memory", "memory.events")
		u.OOMKills, _ = keyed(events, "oom_kill")
		u.MemoryLimitHits, _ = keyed(events, "max")
	} else {
		u.Memory = r.number("memory", "memory.usage_in_bytes")
		u.OOMKills = r.keyed("memory", "memory.oom_control", "oom_kill")
		// With the same limit on both, swap's counter is the one that is full,
		// and Linux 6.18 counts no hits on it. A kill was one.
		hits := r.number("memory", "memory.failcnt") + r.number("memory", "memory.memsw.failcnt")
		u.MemoryLimitHits = max(hits, u.OOMKills)
	}
	u.PidsLimitHits = r.keyed("pids", "pids.events", "max")
	return u
}

// cpuTotal is the CPU time since the group was made.
func (g *Group) cpuTotal() (time.Duration, error) {
	r := &reader{group: g}
	return r.cpu(), r.err
}

// A reader reads a group's files until one fails.
type reader struct {
	group *Group
	err   error
}

// file is empty without the controller, or if the kernel is too old for it.
func (r *reader) file(controller, name string) []byte {
	path := r.group.file(controller, name)
	if path == "" || r.err != nil {
		return nil
	}
	return r.path(path)
}

func (r *reader) path(path string) []byte {
	data, err := readFile(path)
	if err != nil && !(errors.Is(err, unix.ENOENT) && exists(r.group.dirIn(r.group.tree.hierarchies[0]))) {
		r.err = err
	}
	return data
}

func (r *reader) number(controller, name string) int64 {
	data := r.file(controller, name)
	n, ok := number(data)
	if !ok && len(data) > 0 && r.err == nil {
		r.err = fmt.Errorf("%s: %s: %w", name, strconv.Quote(string(bytes.TrimSpace(data))), errNotNumber)
	}
	return n
}

func (r *reader) keyed(controller, name, key string) int64 {
	n, _ := keyed(r.file(controller, name), key)
	return n
}

// cpu needs no controller on v2.
func (r *reader) cpu() time.Duration {
	g := r.group
	if g.tree.layout.Kind == V2 {
		usec, _ := keyed(r.path(g.dirIn(g.tree.hierarchies[0])+"/cpu.stat"), "usage_usec")
		return time.Duration(usec) * time.Microsecond
	}
	return time.Duration(r.number("cpuacct", "cpuacct.usage")) // nanoseconds
}

var errNotNumber = errors.New("not a number")
