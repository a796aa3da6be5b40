package main

import (
	"flag"
	"fmt"
	"os"
)

// benchmarks by name.
var benchmarks = map[string]func(options) error{
	"cold":       cold,
	"operations": operations,
}

// options are every benchmark's.
type options struct {
	rounds  int
	hotcell string
	python  string
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 || benchmarks[args[0]] == nil {
		return fmt.Errorf("name a benchmark: cold, operations")
	}
	var o options
	f := flag.NewFlagSet(args[0], flag.ContinueOnError)
	f.IntVar(&o.rounds, "n", 25, "rounds")
	f.StringVar(&o.hotcell, "hotcell", "bin/hotcell", "the binary to measure")
	f.StringVar(&o.python, "python", "/usr/bin/python3", "the interpreter to compare with")
	if err := f.Parse(args[1:]); err != nil {
		return err
	}
	return benchmarks[args[0]](o)
}
