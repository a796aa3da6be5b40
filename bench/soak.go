package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"

	"hotcell/shm"
	"hotcell/supervisor"
)

// state is what there is at one time, in bytes or as a count.
type state map[string]int64

// growths are what may be more after any number of calls, by the end of a
// name: an allocator settles, one garbage collection is not another.
var growths = map[string]int64{"_bytes": 8 << 20, "_descriptors": 0, "_blocks": 2000, "_goroutines": 0}

// soak makes many calls of resident models, by the Go API and by the Python
// client, and fails if that leaves anything behind on any side.
func soak(ctx context.Context, o options) error {
	w, err := newWorkshop()
	if err != nil {
		return err
	}
	defer w.close()
	script, err := w.put("models/soak.py")
	if err != nil {
		return err
	}
	before, after, err := soakHost(ctx, o)
	if err != nil {
		return err
	}
	fmt.Printf("%d calls by the Go API\n", o.rounds)
	grown := compare(before, after)
	out, err := clientScript(ctx, o, script, strconv.Itoa(o.rounds))
	if err != nil {
		return err
	}
	var client struct{ Before, After state }
	if err := json.Unmarshal(out, &client); err != nil {
		return err
	}
	fmt.Printf("%d calls by the Python client\n", o.rounds)
	return errors.Join(grown, compare(client.Before, client.After))
}

// compare prints both states and tells what grew beyond its bound.
func compare(before, after state) (err error) {
	for _, name := range slices.Sorted(maps.Keys(before)) {
		fmt.Printf("  %-24s %12d  then %12d\n", name, before[name], after[name])
		for end, most := range growths {
			if len(name) > len(end) && name[len(name)-len(end):] == end && after[name]-before[name] > most {
				err = errors.Join(err, fmt.Errorf("%s grew by %d, at most %d", name, after[name]-before[name], most))
			}
		}
	}
	return err
}

func soakHost(ctx context.Context, o options) (before, after state, err error) {
	h, err := openHost(ctx, o.python)
	if err != nil {
		return nil, nil, err
	}
	defer h.close()
	b := callBench{host: h, python: o.python}
	m, err := b.launch(ctx, smallest)
	if err != nil {
		return nil, nil, err
	}
	defer m.close()
	if err := m.several(10_000); err != nil {
		return nil, nil, err
	}
	before = m.state()
	if err := m.several(o.rounds); err != nil {
		return nil, nil, err
	}
	return before, m.state(), nil
}

// several makes calls of different kinds: a number, an array that the host
// declares, and now and then an array in a region that the sandbox has not seen.
func (r *resident) several(calls int) error {
	out := supervisor.Call{Out: []shm.Ref{{Name: "out", DType: float64s, Shape: []int64{2000}}}}
	for i := range calls {
		c := supervisor.Call{Inputs: []supervisor.Input{number("n", i%20)}}
		var fresh *shm.Region
		switch {
		case i%100 == 50:
			var err error
			if fresh, _, err = shm.Owned("soak", 8*int64(1+i%3000)); err != nil {
				return err
			}
			c.Inputs = append(c.Inputs, supervisor.ArrayInput("y", shm.Ref{DType: float64s, Shape: []int64{fresh.Size() / 8}}, fresh))
		case i%10 == 3:
			c = out
		}
		results, err := r.model.Call(context.Background(), c)
		if err != nil {
			return err
		}
		results.Close()
		if fresh != nil {
			r.model.Forget(fresh)
			fresh.Close()
		}
	}
	return nil
}

func (r *resident) state() state {
	s := state{
		"host_bytes": int64(ownHeap()), "host_goroutines": int64(runtime.NumGoroutine()),
		"model_bytes": r.model.Now().Usage.MemoryCurrentBytes,
	}
	fds, _ := filepath.Glob("/proc/self/fd/*")
	s["host_descriptors"] = int64(len(fds))
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s["host_heap_bytes"] = int64(m.HeapAlloc)
	return s
}
