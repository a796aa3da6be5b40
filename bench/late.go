package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hotcell/supervisor"
	"hotcell/syscallpolicy"
)

// stuckFor is the limit of time of a model that does not come back.
const stuckFor = 400 * time.Millisecond

// late measures how long after its limit a stuck model is dead and its caller
// has the verdict.
func late(ctx context.Context, o options) error {
	h, err := openHost(ctx, o.python)
	if err != nil {
		return err
	}
	defer h.close()
	ways := []string{"shift", "power", "expression", "lock", "stubborn", "sleep"}
	wall, processor := map[string]sample{}, map[string]sample{}
	for range o.rounds {
		for _, way := range ways {
			ms, err := h.lateBy(ctx, way, nil, supervisor.WallTimeLimit)
			if err != nil {
				return err
			}
			wall[way] = append(wall[way], ms)
			if way == "sleep" {
				continue // it uses none
			}
			limits := func(l *syscallpolicy.Limits) { l.CPUTime = stuckFor }
			if ms, err = h.lateBy(ctx, way, limits, supervisor.CPUTimeLimit); err != nil {
				return err
			}
			processor[way] = append(processor[way], ms)
		}
	}
	fmt.Printf("models that do not come back, %d rounds: how late they are dead, in ms; at most 50 on an idle machine\n", o.rounds)
	for _, way := range ways {
		fmt.Printf("  %-12s wall time  %s, largest %.1f\n", way, wall[way].text("%.1f"), wall[way].quantile(1))
		if s := processor[way]; len(s) > 0 {
			fmt.Printf("  %-12s CPU time   %s, largest %.1f\n", "", s.text("%.1f"), s.quantile(1))
		}
	}
	return nil
}

// lateBy runs a stuck model to its limit: of wall time the caller's clock says
// how late it ended, of CPU time the control group's.
func (h *host) lateBy(ctx context.Context, way string, limits func(*syscallpolicy.Limits), want supervisor.Verdict) (ms float64, err error) {
	spec, err := h.spec(job{model: "stuck.py", limits: limits})
	if err != nil {
		return 0, err
	}
	spec.Arrays = true
	m, err := h.supervisor.Launch(ctx, spec)
	if err != nil {
		return 0, err
	}
	before := m.Now().Usage.CPUSeconds
	call := supervisor.Call{Inputs: []supervisor.Input{text("way", way)}}
	if want == supervisor.WallTimeLimit {
		call.Timeout = stuckFor
	}
	start := time.Now()
	_, err = m.Call(ctx, call)
	took := time.Since(start).Seconds()
	outcome := m.Close()
	cause, ok := errors.AsType[*supervisor.Cause](err)
	if !ok || cause.Verdict != want {
		return 0, fmt.Errorf("stuck by %s: %v; want %s", way, err, want)
	}
	if want == supervisor.CPUTimeLimit {
		took = outcome.Usage.CPUSeconds - before
	}
	return (took - stuckFor.Seconds()) * 1000, nil
}
