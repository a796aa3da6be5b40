package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

// cold compares a whole "hotcell run" of a trivial numpy model with the same
// interpreter importing numpy, process start to process end, in turn.
func cold(ctx context.Context, o options) error {
	w, err := newWorkshop()
	if err != nil {
		return err
	}
	defer w.close()
	model, err := w.put("models/trivial.py")
	if err != nil {
		return err
	}
	sandboxed := []string{o.hotcell, "run", "-q", "--interpreter", o.python, model}
	bare := []string{o.python, "-c", "import numpy"}
	// Not counted: caches of files and of probes.
	for _, argv := range [][]string{sandboxed, bare} {
		if _, err := timed(ctx, argv); err != nil {
			return err
		}
	}
	var p pair
	for range o.rounds {
		ours, err := timed(ctx, sandboxed)
		if err != nil {
			return err
		}
		theirs, err := timed(ctx, bare)
		if err != nil {
			return err
		}
		p.add(sample{ours}, sample{theirs})
	}
	fmt.Printf("cold start, %d rounds in turn\n", o.rounds)
	p.print(fmt.Sprintf("a trivial numpy model; %s -c 'import numpy'", filepath.Base(o.python)), "hotcell run", "bare", 1e3, "ms")
	return nil
}

// timed runs a command to its end, in seconds.
func timed(ctx context.Context, argv []string) (float64, error) {
	start := time.Now()
	if out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%v: %w\n%s", argv, err, out)
	}
	return time.Since(start).Seconds(), nil
}
