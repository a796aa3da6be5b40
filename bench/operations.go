package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"hotcell/supervisor"
)

// While a crowd is open, floor and sandbox take so many turns of so many
// blocks of 100 calls.
const (
	turnsPerCrowd = 3
	blocksPerTurn = 50
)

// operationsBench compares a routed call with the least that it can take: a
// C program that answers its child's calls and does nothing else.
type operationsBench struct {
	host     *host
	measured *host // finds the loop in C too
	floor    floor
	python   string
	found    map[setting]*operationPairs
}

// setting is what else the machine and the supervisor have to do.
type setting struct {
	busy bool
	idle int // other sandboxes that are open in the same supervisor
}

func (s setting) String() string {
	machine := "idle machine"
	if s.busy {
		machine = "busy machine (a spinning process for every processor)"
	}
	return fmt.Sprintf("%s, %d idle sandboxes open beside the measured one", machine, s.idle)
}

type operationPairs struct{ denied, opened pair }

func operations(ctx context.Context, o options) error {
	w, err := newWorkshop()
	if err != nil {
		return err
	}
	defer w.close()
	b := operationsBench{python: o.python, found: map[setting]*operationPairs{}}
	if b.floor, err = newFloor(ctx, w); err != nil {
		return err
	}
	if b.host, err = openHost(ctx, o.python); err != nil {
		return err
	}
	defer b.host.close()
	if _, err := w.compile(ctx, "floor/calls.c", "calls.so", "-shared", "-fPIC"); err != nil {
		return err
	}
	if _, err := w.put("models/syscallloop.py"); err != nil {
		return err
	}
	b.measured = b.host.withModules(w.dir)
	crowds := slices.Compact([]int{0, o.idle})
	for range o.rounds {
		for _, idle := range crowds {
			if err := b.crowd(ctx, idle); err != nil {
				return err
			}
		}
	}
	fmt.Printf("routed calls, %d rounds in turn\n", o.rounds)
	for _, busy := range []bool{false, true} {
		for _, idle := range crowds {
			b.print(setting{busy, idle})
		}
	}
	return nil
}

// crowd measures with so many idle sandboxes open.
func (b *operationsBench) crowd(ctx context.Context, idle int) (err error) {
	sleepers, err := b.host.startAll(ctx, job{model: "idle.py"}, idle)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sleepers.stop()) }()
	for _, busy := range []bool{false, true} {
		if err := b.turns(ctx, setting{busy, idle}); err != nil {
			return err
		}
	}
	return nil
}

func (b *operationsBench) turns(ctx context.Context, s setting) error {
	if s.busy {
		load, err := startBurners(ctx, b.python, runtime.NumCPU())
		if err != nil {
			return err
		}
		defer load.stop()
	}
	found := b.found[s]
	if found == nil {
		found = &operationPairs{}
		b.found[s] = found
	}
	for i := range turnsPerCrowd {
		ours, floor, err := inTurn(i, func() (routed, error) { return b.ours(ctx) }, func() (routed, error) { return b.floors(ctx) })
		if err != nil {
			return err
		}
		found.denied.add(ours.Denied, floor.Denied)
		found.opened.add(ours.Opened, floor.Opened)
	}
	return nil
}

// routed are nanoseconds a call.
type routed struct{ Denied, Opened sample }

// floors gives the floors of a denied call and of an opened file; of the two
// ways to answer with a descriptor the one that is faster here.
func (b *operationsBench) floors(ctx context.Context) (r routed, err error) {
	if r.Denied, err = b.floor.blocks(ctx, "deny one", blocksPerTurn); err != nil {
		return r, err
	}
	if r.Opened, err = b.floor.blocks(ctx, "open one", blocksPerTurn); err != nil {
		return r, err
	}
	two, err := b.floor.blocks(ctx, "open two", blocksPerTurn)
	if err == nil && two.median() < r.Opened.median() {
		r.Opened = two
	}
	return r, err
}

func (b *operationsBench) ours(ctx context.Context) (r routed, err error) {
	const file = "/etc/hostname" // as in floor/calls.c
	out, _, err := b.measured.run(ctx, job{
		model: "operations.py", modules: []string{"syscallloop"}, read: []string{file},
		inputs: []supervisor.Input{number("count", blocksPerTurn)},
	})
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return r, fmt.Errorf("read times: %w", err)
	}
	return r, nil
}

func (b *operationsBench) print(s setting) {
	fmt.Println(s)
	p := b.found[s]
	p.denied.print("denied call", "hotcell", "floor", 1e-3, "us")
	p.opened.print("open answered with a descriptor, and close", "hotcell", "floor", 1e-3, "us")
}
