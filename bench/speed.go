package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
)

// speedRepeats of each workload in one run.
const speedRepeats = 3

// speed runs work that needs nothing of the supervisor, in a sandbox and in
// the same interpreter without one, and compares the times that the work
// itself took: what a filter, a control group and namespaces cost it.
func speed(ctx context.Context, o options) error {
	w, err := newWorkshop()
	if err != nil {
		return err
	}
	defer w.close()
	path, err := w.put("models/workloads.py")
	if err != nil {
		return err
	}
	repeats := fmt.Sprintf("repeats=%d", speedRepeats)
	sandboxed := func() (workTimes, error) {
		return readWork(exec.CommandContext(ctx, o.hotcell, "run", "-q", "--interpreter", o.python, path, repeats).Output())
	}
	bare := func() (workTimes, error) {
		return readWork(bareModel(ctx, o.python, w.dir, "workloads", repeats))
	}
	wall, cpu := map[string]*pair{}, map[string]*pair{}
	for i := range o.rounds {
		ours, theirs, err := inTurn(i, sandboxed, bare)
		if err != nil {
			return err
		}
		for name := range ours {
			if wall[name] == nil {
				wall[name], cpu[name] = &pair{}, &pair{}
			}
			wall[name].add(ours.column(name, 0), theirs.column(name, 0))
			cpu[name].add(ours.column(name, 1), theirs.column(name, 1))
		}
	}
	fmt.Printf("work inside the interpreter, %d rounds in turn\n", o.rounds)
	for _, name := range slices.Sorted(maps.Keys(wall)) {
		what := strings.ReplaceAll(name, "_", " ")
		wall[name].print(what+", wall time", "hotcell", "bare", 1e3, "ms")
		cpu[name].print(what+", CPU time", "hotcell", "bare", 1e3, "ms")
	}
	return nil
}

// workTimes has wall and CPU seconds of each repetition, by workload.
type workTimes map[string][][2]float64

func (w workTimes) column(name string, i int) (s sample) {
	for _, row := range w[name] {
		s = append(s, row[i])
	}
	return s
}

func readWork(out []byte, err error) (w workTimes, _ error) {
	if err != nil {
		return nil, fmt.Errorf("workloads: %w%s", err, stderr(err))
	}
	if err := json.Unmarshal(out, &w); err != nil {
		return nil, fmt.Errorf("read times: %w", err)
	}
	return w, nil
}
