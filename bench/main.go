package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"hotcell/child"
	"hotcell/supervisor"
)

// benchmark is one command.
type benchmark struct {
	run    func(context.Context, options) error
	rounds int // when -n does not say
}

// benchmarks by name.
var benchmarks = map[string]benchmark{
	"call":       {call, 3},
	"client":     {client, 3},
	"soak":       {soak, 1_000_000},
	"slices":     {parts, 1},
	"cold":       {cold, 25},
	"launch":     {launch, 5},
	"operations": {operations, 3},
	"allowed":    {allowed, 25},
	"speed":      {speed, 15},
	"flood":      {flood, 3},
	"late":       {late, 5},
	"neighbours": {neighbours, 3},
}

// options are every benchmark's.
type options struct {
	rounds  int
	hotcell string
	python  string
	idle    int
	chart   string
	soak    int
	part    string
	quiet   time.Duration
}

func main() {
	child.Dispatch() // this program is a supervisor too
	supervisor.TuneRuntime()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	names := strings.Join(slices.Sorted(maps.Keys(benchmarks)), ", ")
	if len(args) == 0 {
		return fmt.Errorf("name a benchmark: %s", names)
	}
	b, ok := benchmarks[args[0]]
	if !ok {
		return fmt.Errorf("there is no benchmark %q: name one of %s", args[0], names)
	}
	var o options
	f := flag.NewFlagSet(args[0], flag.ContinueOnError)
	f.IntVar(&o.rounds, "n", b.rounds, "rounds (soak: calls)")
	f.StringVar(&o.hotcell, "hotcell", "bin/hotcell", "the binary to measure (client, cold, soak, speed)")
	f.StringVar(&o.python, "python", "/usr/bin/python3", "the interpreter to compare with")
	f.IntVar(&o.idle, "idle", 200, "idle sandboxes that are open in half of the measurements (operations, launch)")
	f.StringVar(&o.chart, "chart", "", "a file for the chart, SVG (launch)")
	f.StringVar(&o.part, "part", "", "of latency, sustained, processes, memory, independence only those, with commas between (launch)")
	f.DurationVar(&o.quiet, "quiet", 0, "leave the idle sandboxes alone for so long, and take the time that they use (launch)")
	f.IntVar(&o.soak, "soak", 0, "launch so many models in a row and look for what is left behind (launch)")
	if err := f.Parse(args[1:]); err != nil {
		return err
	}
	if o.rounds < 1 || o.idle < 0 || f.NArg() > 0 {
		return fmt.Errorf("%s: at least one round, no fewer than 0 idle sandboxes, and nothing but flags", args[0])
	}
	return b.run(ctx, o)
}
