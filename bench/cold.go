package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const trivialModel = `import numpy as np


def model():
    return np.arange(8).sum()
`

// cold compares a whole "hotcell run" of a trivial numpy model with the same
// interpreter importing numpy, process start to process end, in turn.
func cold(o options) error {
	dir, err := os.MkdirTemp("", "hotcell-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	model := filepath.Join(dir, "model.py")
	if err := os.WriteFile(model, []byte(trivialModel), 0o600); err != nil {
		return err
	}
	sandboxed := []string{o.hotcell, "run", "-q", "--interpreter", o.python, model}
	bare := []string{o.python, "-c", "import numpy"}
	// Not counted: caches of files and of probes.
	for _, argv := range [][]string{sandboxed, bare} {
		if _, err := timed(argv); err != nil {
			return err
		}
	}
	var ours, theirs, ratios sample
	for range o.rounds {
		a, err := timed(sandboxed)
		if err != nil {
			return err
		}
		b, err := timed(bare)
		if err != nil {
			return err
		}
		ours, theirs, ratios = append(ours, a), append(theirs, b), append(ratios, a/b)
	}
	fmt.Printf("cold start of a trivial numpy model, %d rounds in turn\n", o.rounds)
	fmt.Printf("  hotcell run                   %s ms\n", ours.times(1e3))
	fmt.Printf("  %s -c 'import numpy'  %s ms\n", filepath.Base(o.python), theirs.times(1e3))
	fmt.Printf("  ratio                         %s\n", ratios.text("%.3f"))
	return nil
}

// timed runs a command to its end, in seconds.
func timed(argv []string) (float64, error) {
	start := time.Now()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%v: %w\n%s", argv, err, out)
	}
	return time.Since(start).Seconds(), nil
}
