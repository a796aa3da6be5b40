package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"

	"hotcell/supervisor"
)

// allowedBlocks a round, of 10,000 calls or 1,000 pairs.
const allowedBlocks = 50

// allowedBench compares system calls that the filter allows, made by the same
// loop in C in the same interpreter, in a sandbox and without one. The floor
// is the filter of one rule of a C program.
type allowedBench struct {
	host  *host
	floor floor
	dir   string // of the loop's module
}

func allowed(ctx context.Context, o options) error {
	w, err := newWorkshop()
	if err != nil {
		return err
	}
	defer w.close()
	b := allowedBench{dir: w.dir}
	if b.floor, err = newFloor(ctx, w); err != nil {
		return err
	}
	if _, err := w.compile(ctx, "floor/calls.c", "calls.so", "-shared", "-fPIC"); err != nil {
		return err
	}
	for _, source := range []string{"models/syscallloop.py", "models/allowed.py"} {
		if _, err := w.put(source); err != nil {
			return err
		}
	}
	if b.host, err = openHost(ctx, o.python); err != nil {
		return err
	}
	defer b.host.close()
	b.host = b.host.withModules(w.dir)
	var getppid, mapped, least pair
	for i := range o.rounds {
		ours, theirs, err := inTurn(i, func() (calls, error) { return b.sandboxed(ctx) }, func() (calls, error) { return b.bare(ctx) })
		if err != nil {
			return err
		}
		getppid.add(ours.Getppid, theirs.Getppid)
		mapped.add(ours.Map, theirs.Map)
		ruled, free, err := inTurn(i, func() (sample, error) { return b.floor.blocks(ctx, "allowed", 1000) },
			func() (sample, error) { return b.floor.blocks(ctx, "bare", 1000) })
		if err != nil {
			return err
		}
		least.add(ruled, free)
	}
	fmt.Printf("allowed calls from C, %d rounds in turn\n", o.rounds)
	getppid.print("getppid", "hotcell", "bare", 1, "ns")
	least.print("getppid, floor: a filter of one rule that allows it", "filter", "bare", 1, "ns")
	mapped.print("mmap and munmap of a page", "hotcell", "bare", 1, "ns")
	return nil
}

// calls are times of each loop.
type calls struct{ Getppid, Map sample }

func (b *allowedBench) sandboxed(ctx context.Context) (calls, error) {
	out, _, err := b.host.run(ctx, job{
		model: "allowed.py", modules: []string{"syscallloop"}, inputs: []supervisor.Input{number("count", allowedBlocks)},
	})
	if err != nil {
		return calls{}, err
	}
	return readCalls(out)
}

func (b *allowedBench) bare(ctx context.Context) (calls, error) {
	out, err := bareModel(ctx, b.host.interpreter.Executable, b.dir, "allowed", fmt.Sprintf("count=%d", allowedBlocks))
	if err != nil {
		return calls{}, err
	}
	return readCalls(out)
}

func readCalls(out []byte) (c calls, err error) {
	if err := json.Unmarshal(out, &c); err != nil {
		return c, fmt.Errorf("read times: %w", err)
	}
	return c, nil
}

// bareModel calls a model of dir in the interpreter as it is, and gives what
// it printed.
func bareModel(ctx context.Context, python, dir, name string, arguments ...string) ([]byte, error) {
	script := fmt.Sprintf("import sys; sys.path.insert(0, %q); import %s; %[2]s.model(%s)", dir, name, strings.Join(arguments, ", "))
	cmd := exec.CommandContext(ctx, python, "-B", "-c", script)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%v: %w%s", cmd.Args, err, stderr(err))
	}
	return out, nil
}
