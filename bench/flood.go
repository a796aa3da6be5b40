package main

import (
	"context"
	"fmt"
	"runtime/debug"

	"hotcell/supervisor"
)

// Operations of a flood, and of an ordinary model that it is compared with.
const (
	floodOperations    = 100_000
	ordinaryOperations = 1_000
)

// floodWays are forbidden operations by both doors: by system call, with
// short and with long targets, and by the question of the import statement.
var floodWays = []string{"open", "open-long", "import"}

// flood lets one sandbox make 100,000 forbidden operations, each with a
// target of its own, and tells what that does to the supervisor: memory
// during and after, and CPU time against the sandbox's own.
func flood(ctx context.Context, o options) error {
	h, err := openHost(ctx, o.python)
	if err != nil {
		return err
	}
	defer h.close()
	// Not counted: what is allocated once for a process.
	for _, way := range floodWays {
		if _, err := h.floodOnce(ctx, way, floodOperations); err != nil {
			return err
		}
	}
	fmt.Printf("%d forbidden operations with as many targets, %d rounds in turn with %d\n", floodOperations, o.rounds, ordinaryOperations)
	for _, way := range floodWays {
		var few, many floodCosts
		for i := range o.rounds {
			a, b, err := inTurn(i, func() (floodCost, error) { return h.floodOnce(ctx, way, ordinaryOperations) },
				func() (floodCost, error) { return h.floodOnce(ctx, way, floodOperations) })
			if err != nil {
				return err
			}
			few.add(a)
			many.add(b)
		}
		fmt.Printf("  %s\n", way)
		few.print(ordinaryOperations)
		many.print(floodOperations)
	}
	return nil
}

// floodCost is what one run did to this process, the supervisor.
type floodCost struct {
	grown, peak int64   // bytes of resident memory more than before
	each        float64 // seconds an operation, as the run's wall time has it
	share       float64 // the supervisor's CPU time to the sandbox's
}

func (h *host) floodOnce(ctx context.Context, way string, count int) (floodCost, error) {
	debug.FreeOSMemory()
	if err := resetPeak(); err != nil {
		return floodCost{}, err
	}
	before, err := readMemory()
	if err != nil {
		return floodCost{}, err
	}
	cpu := ownCPU()
	_, o, err := h.run(ctx, job{
		model: "flood.py", inputs: []supervisor.Input{text("way", way), number("count", count), truth("forever", false)},
	})
	if err != nil {
		return floodCost{}, err
	}
	cpu = ownCPU() - cpu
	if o.Usage.Operations < int64(count) {
		return floodCost{}, fmt.Errorf("flood %s: %d operations reached the supervisor; want %d", way, o.Usage.Operations, count)
	}
	during, err := readMemory()
	if err != nil {
		return floodCost{}, err
	}
	each, share := o.Usage.WallSeconds/float64(count), cpu/o.Usage.CPUSeconds
	// The outcome is the host application's to keep; here it goes.
	o = nil
	debug.FreeOSMemory()
	after, err := readMemory()
	if err != nil {
		return floodCost{}, err
	}
	return floodCost{after.now - before.now, during.peak - before.now, each, share}, nil
}

// floodCosts are those of all rounds.
type floodCosts struct{ grown, peak, each, share sample }

func (f *floodCosts) add(c floodCost) {
	f.grown, f.peak = append(f.grown, float64(c.grown)), append(f.peak, float64(c.peak))
	f.each, f.share = append(f.each, c.each), append(f.share, c.share)
}

func (f *floodCosts) print(count int) {
	const mib = 1.0 / (1 << 20)
	fmt.Printf("    %d operations\n", count)
	fmt.Printf("      supervisor grown after it    %s MiB\n", f.grown.scaled(mib).text("%.2f"))
	fmt.Printf("      supervisor grown at the peak %s MiB\n", f.peak.scaled(mib).text("%.2f"))
	fmt.Printf("      an operation                 %s us\n", f.each.scaled(1e6).text("%.1f"))
	fmt.Printf("      CPU, supervisor to sandbox   %s\n", f.share.text("%.2f"))
}
