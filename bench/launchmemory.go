package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"hotcell/shm"
	"hotcell/supervisor"
)

const measured = 50 // sandboxes whose memory is taken

// memory is what a template, a ready sandbox and a running one take, and what
// the supervisor keeps for each.
func (b *launchBench) memory(ctx context.Context) error {
	l, err := b.openReady(ctx, 1)
	if err != nil {
		return err
	}
	defer l.close()
	before := ownHeap()
	if err := l.host.supervisor.Warm(ctx, l.spec, measured); err != nil {
		return err
	}
	after := ownHeap()
	template := l.host.supervisor.Templates()[0]
	idle, err := childrenPSS(template.PID)
	if err != nil {
		return err
	}
	var running sample
	var models []*supervisor.Model
	defer func() {
		for _, m := range models {
			m.Close()
		}
	}()
	known := children(template.PID)
	for range measured / 2 {
		m, err := l.host.called(ctx, l.spec)
		if m != nil {
			models = append(models, m)
		}
		if err != nil {
			return err
		}
	}
	// The oldest are used first, and the template's children are in the order
	// in which they were born.
	for _, pid := range known[:min(len(known), len(models))] {
		pss, err := pssOf(pid)
		if err != nil {
			return err
		}
		running = append(running, pss)
	}
	b.table.note("memory, PSS: template %.1f MiB beside %d sandboxes (RSS %.1f); a ready sandbox %.2f MiB, at most 2; a running one %.2f; the supervisor %.1f KiB a sandbox, at most 64",
		float64(template.PSS)/(1<<20), template.Ready, float64(template.RSS)/(1<<20), idle.median(), running.median(), (after-before)/1024/(measured-1))
	return b.idleCPU(ctx, l, template.PID)
}

// idleCPU opens more sandboxes and leaves them alone for a while.
func (b *launchBench) idleCPU(ctx context.Context, l *launcher, template int) error {
	if b.options.quiet <= 0 {
		return nil
	}
	if err := l.host.supervisor.Warm(ctx, l.spec, b.options.idle); err != nil {
		return err
	}
	select {
	case <-time.After(2 * time.Second):
	case <-ctx.Done():
		return ctx.Err()
	}
	runtime.GC()
	start, own, theirs := time.Now(), ownCPU(), ticks(template)
	select {
	case <-time.After(b.options.quiet):
	case <-ctx.Done():
		return ctx.Err()
	}
	used := ownCPU() - own + ticks(template) - theirs
	b.table.note("%d ready sandboxes, left alone for %v: %.4f %% of a core, at most 0.1", b.options.idle, b.options.quiet,
		100*used/time.Since(start).Seconds())
	return nil
}

// ownHeap is this process's resident memory after a collection, in bytes.
func ownHeap() float64 {
	runtime.GC()
	runtime.GC()
	m, err := readMemory()
	if err != nil {
		return 0
	}
	return float64(m.now)
}

// children are the processes that a single-threaded process started, the oldest
// first.
func children(pid int) (pids []int) {
	p := strconv.Itoa(pid)
	data, err := os.ReadFile("/proc/" + p + "/task/" + p + "/children")
	if err != nil {
		return nil
	}
	for field := range strings.FieldsSeq(string(data)) {
		if child, err := strconv.Atoi(field); err == nil {
			pids = append(pids, child)
		}
	}
	return pids
}

func childrenPSS(pid int) (s sample, err error) {
	for _, child := range children(pid) {
		pss, err := pssOf(child)
		if err != nil {
			return nil, err
		}
		s = append(s, pss)
	}
	return s, nil
}

// pssOf is a process's memory in MiB; a page that n share counts as a part of n.
func pssOf(pid int) (float64, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			var kib float64
			if _, err := fmt.Sscan(rest, &kib); err != nil {
				return 0, fmt.Errorf("read memory: %w", err)
			}
			return kib / 1024, nil
		}
	}
	return 0, fmt.Errorf("read memory: no Pss of process %d", pid)
}

// ticks is the CPU time of a process and of what it started, in seconds: in
// hundredths, which over a minute is fine enough.
func ticks(pid int) (seconds float64) {
	for _, p := range append(children(pid), pid) {
		data, err := os.ReadFile("/proc/" + strconv.Itoa(p) + "/stat")
		if err != nil {
			continue
		}
		fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
		for _, i := range []int{11, 12} { // utime and stime
			n, _ := strconv.ParseFloat(fields[i], 64)
			seconds += n / 100
		}
	}
	return seconds
}

// independence is whether a launch costs more with a large array, or beside many
// sandboxes.
func (b *launchBench) independence(ctx context.Context) error {
	l, err := b.openReady(ctx, poolSize)
	if err != nil {
		return err
	}
	defer l.close()
	var inputs [2]supervisor.Input
	for i, size := range []int64{smallest, largest} {
		region, memory, err := shm.Owned("bench", size)
		if err != nil {
			return err
		}
		defer region.Close()
		for j := range memory {
			memory[j] = 0
		}
		inputs[i] = supervisor.ArrayInput("x", shm.Ref{DType: float64s, Shape: []int64{size / 8}}, region)
	}
	var sizes pair
	for i := range b.options.rounds {
		big, small, err := inTurn(i, func() (sample, error) { return l.fromPool(ctx, perRound/2, poolSize, inputs[1]) },
			func() (sample, error) { return l.fromPool(ctx, perRound/2, poolSize, inputs[0]) })
		if err != nil {
			return err
		}
		sizes.add(big, small)
	}
	b.table.note("a launch with an array of 100 MiB to one with 8 bytes: %.2f (min %.2f), at most 1.2", sizes.ratios.median(), sizes.ratios.min())
	return b.crowd(ctx)
}

// crowd compares launches beside few and beside many ready sandboxes, from two
// supervisors in turn.
func (b *launchBench) crowd(ctx context.Context) error {
	few, err := b.openReady(ctx, 10)
	if err != nil {
		return err
	}
	defer few.close()
	var alone, beside, ratios sample
	for range b.options.rounds {
		s, err := few.fromPool(ctx, perRound/2, 10)
		if err != nil {
			return err
		}
		alone = append(alone, s.median())
	}
	if err := few.host.supervisor.Warm(ctx, few.spec, b.options.idle); err != nil {
		return err
	}
	for i := range b.options.rounds {
		s, err := few.fromPool(ctx, perRound/2, b.options.idle)
		if err != nil {
			return err
		}
		beside = append(beside, s.median())
		ratios = append(ratios, beside[i]/alone[i])
	}
	b.table.note("a launch beside %d sandboxes to one beside 10: %.2f (smallest to smallest %.2f), at most 1.2", b.options.idle, ratios.median(), beside.min()/alone.min())
	return nil
}
