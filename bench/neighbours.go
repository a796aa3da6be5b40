package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"hotcell/supervisor"
	"hotcell/syscallpolicy"
)

// siblingWork is about half a second of the sibling's.
const siblingWork = 6_000_000

// neighbour is a sandbox that is at a limit of its own, or floods, for as
// long as the sibling works.
type neighbour struct {
	name string
	job  job
}

// burning is the neighbour that does nothing but compute. What a sandbox gets
// beside so many of it is its fair share of the processors: they are its
// equals in the tree of control groups, which plain processes are not.
var burning = neighbour{"CPU burner", way("cpu", nil)}

var neighbourKinds = []neighbour{
	{"16 threads of native code under 1 CPU", way("threads", nil)},
	{"memory at its limit", way("memory", func(l *syscallpolicy.Limits) { l.Memory = 64 << 20 })},
	{"output flood", way("output", nil)},
	{"flood of refused opens", floodForever("open")},
	{"flood of refused opens, long paths", floodForever("open-long")},
	{"flood of refused imports", floodForever("import")},
}

func way(name string, limits func(*syscallpolicy.Limits)) job {
	return job{model: "neighbour.py", inputs: []supervisor.Input{text("way", name)}, limits: limits}
}

func floodForever(way string) job {
	return job{model: "flood.py", inputs: []supervisor.Input{text("way", way), number("count", floodOperations), truth("forever", true)}}
}

// neighboursBench measures how long a fixed amount of work takes a
// well-behaved model beside others in the same supervisor.
type neighboursBench struct {
	host   *host
	alone  sample
	fair   map[int]*besideTimes // beside so many that burn
	beside map[crowdOf]*besideTimes
}

type crowdOf struct {
	kind  string
	count int
}

// besideTimes are seconds, and the slowdowns of each round: to the work alone,
// by its fair share as the count of processors has it, and by the measured one.
type besideTimes struct{ seconds, toAlone, toCount, toFair sample }

func neighbours(ctx context.Context, o options) error {
	h, err := openHost(ctx, o.python)
	if err != nil {
		return err
	}
	defer h.close()
	b := neighboursBench{host: h, fair: map[int]*besideTimes{}, beside: map[crowdOf]*besideTimes{}}
	counts := slices.Compact([]int{1, runtime.NumCPU()})
	for _, count := range counts {
		b.fair[count] = &besideTimes{}
		for _, kind := range neighbourKinds {
			b.beside[crowdOf{kind.name, count}] = &besideTimes{}
		}
	}
	for i := range o.rounds {
		if err := b.round(ctx, i, counts); err != nil {
			return err
		}
	}
	b.print(o.rounds, counts)
	return nil
}

// round measures the fair share anew for each kind, in turn with it: the
// machine drifts within a round too.
func (b *neighboursBench) round(ctx context.Context, i int, counts []int) error {
	for _, count := range counts {
		alone, err := b.sibling(ctx)
		if err != nil {
			return err
		}
		b.alone = append(b.alone, alone)
		for _, kind := range neighbourKinds {
			took, fair, err := inTurn(i, func() (float64, error) { return b.besideKind(ctx, kind, count) },
				func() (float64, error) { return b.besideKind(ctx, burning, count) })
			if err != nil {
				return err
			}
			b.fair[count].add(count, fair, alone, fair)
			b.beside[crowdOf{kind.name, count}].add(count, took, alone, fair)
		}
	}
	return nil
}

func (t *besideTimes) add(count int, took, alone, fair float64) {
	t.seconds = append(t.seconds, took)
	t.toAlone = append(t.toAlone, took/alone)
	t.toCount = append(t.toCount, took/alone/fairSlowdown(count))
	t.toFair = append(t.toFair, took/fair)
}

// fairSlowdown is that of one of count+1 equals that compute.
func fairSlowdown(count int) float64 {
	return max(1, float64(count+1)/float64(runtime.NumCPU()))
}

// sibling gives the seconds that the work took, launch not included.
func (b *neighboursBench) sibling(ctx context.Context) (float64, error) {
	out, _, err := b.host.run(ctx, job{model: "sibling.py", inputs: []supervisor.Input{number("count", siblingWork)}})
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

func (b *neighboursBench) besideKind(ctx context.Context, kind neighbour, count int) (float64, error) {
	others, err := b.host.startAll(ctx, kind.job, count)
	if err != nil {
		return 0, err
	}
	took, err := b.sibling(ctx)
	if err := errors.Join(err, others.stop()); err != nil {
		return 0, fmt.Errorf("beside %d of %s: %w", count, kind.name, err)
	}
	return took, nil
}

func (b *neighboursBench) print(rounds int, counts []int) {
	fmt.Printf("a well-behaved sandbox beside others in one supervisor, %d processors, %d rounds in turn\n", runtime.NumCPU(), rounds)
	fmt.Printf("  alone\n    seconds                              %s\n", b.alone.text("%.3f"))
	for _, count := range counts {
		fmt.Printf("  beside %d of: %s, the measured fair share\n", count, burning.name)
		b.fair[count].print()
		for _, kind := range neighbourKinds {
			fmt.Printf("  beside %d of: %s\n", count, kind.name)
			t := b.beside[crowdOf{kind.name, count}]
			t.print()
			fmt.Printf("    slowdown beyond the measured share   %s\n", t.toFair.text("%.3f"))
		}
	}
}

func (t *besideTimes) print() {
	fmt.Printf("    seconds                              %s\n", t.seconds.text("%.3f"))
	fmt.Printf("    slowdown to alone                    %s\n", t.toAlone.text("%.3f"))
	fmt.Printf("    slowdown beyond processors by count  %s\n", t.toCount.text("%.3f"))
}
