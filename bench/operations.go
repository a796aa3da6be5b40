package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// operationsModel times routed calls from inside a sandbox, in blocks of 100
// as the floor does. ctypes adds half a microsecond to each; it is not taken
// off.
const operationsModel = `import ctypes
import json
import os
import time

libc = ctypes.CDLL(None, use_errno=True)


def blocks(call, count):
    for _ in range(1000):
        call()
    out = []
    for _ in range(count):
        start = time.perf_counter_ns()
        for _ in range(100):
            call()
        out.append((time.perf_counter_ns() - start) / 100)
    return out


def model(path, count):
    def denied():
        libc.getpgid(0)

    def opened():
        os.close(os.open(path, os.O_RDONLY))

    print(json.dumps({"denied": blocks(denied, count), "opened": blocks(opened, count)}))
`

const blocksPerRound = 100

// operations compares a routed call with the least that it can take: a C
// program that answers its child's calls and does nothing else.
func operations(o options) error {
	dir, err := os.MkdirTemp("", "hotcell-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	floor := filepath.Join(dir, "notify")
	if out, err := exec.Command("cc", "-O2", "-o", floor, "bench/floor/notify.c").CombinedOutput(); err != nil {
		return fmt.Errorf("compile floor: %w\n%s", err, out)
	}
	model := filepath.Join(dir, "model.py")
	if err := os.WriteFile(model, []byte(operationsModel), 0o600); err != nil {
		return err
	}
	for _, busy := range []bool{false, true} {
		if err := operationsRound(o, floor, model, busy); err != nil {
			return err
		}
	}
	return nil
}

func operationsRound(o options, floor, model string, busy bool) error {
	name := "idle machine"
	if busy {
		name = "busy machine (a spinning thread on every processor)"
		defer spin()()
	}
	floors := map[string]sample{}
	var denied, opened sample
	for range max(1, o.rounds/5) {
		for _, way := range []string{"deny one", "open one", "open two"} {
			s, err := floorTimes(floor, way)
			if err != nil {
				return err
			}
			floors[way] = append(floors[way], s...)
		}
		d, p, err := operationTimes(o, model)
		if err != nil {
			return err
		}
		denied, opened = append(denied, d...), append(opened, p...)
	}
	best := floors["open one"]
	if two := floors["open two"]; two.quantile(0.5) < best.quantile(0.5) {
		best = two
	}
	fmt.Println(name)
	for _, row := range []struct {
		what        string
		ours, floor sample
	}{{"denied call", denied, floors["deny one"]}, {"open answered with a descriptor, and close", opened, best}} {
		fmt.Printf("  %s\n    hotcell  %s us\n    floor    %s us\n    ratio    median %.2f, min %.2f\n", row.what,
			row.ours.times(1e-3), row.floor.times(1e-3),
			row.ours.quantile(0.5)/row.floor.quantile(0.5), row.ours.quantile(0)/row.floor.quantile(0))
	}
	return nil
}

func floorTimes(floor, way string) (sample, error) {
	args := append(strings.Fields(way), strconv.Itoa(100*blocksPerRound))
	out, err := exec.Command(floor, args...).Output()
	if err != nil {
		return nil, fmt.Errorf("floor %s: %w", way, err)
	}
	var s sample
	for field := range strings.FieldsSeq(string(out)) {
		v, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return nil, fmt.Errorf("floor %s: %w", way, err)
		}
		s = append(s, v)
	}
	return s, nil
}

func operationTimes(o options, model string) (denied, opened sample, err error) {
	cmd := exec.Command(o.hotcell, "run", "-q", "--module", "ctypes", "--read", "/etc/hostname",
		"--max-operations", "1000000", model, "path=/etc/hostname", fmt.Sprintf("count=%d", blocksPerRound))
	out, err := cmd.Output()
	if err != nil {
		return nil, nil, fmt.Errorf("%v: %w", cmd.Args, err)
	}
	var times struct{ Denied, Opened sample }
	if err := json.Unmarshal(out, &times); err != nil {
		return nil, nil, fmt.Errorf("read times: %w", err)
	}
	return times.Denied, times.Opened, nil
}

// spin keeps every processor busy until the function that it returns is
// called.
func spin() func() {
	var stop atomic.Bool
	var done sync.WaitGroup
	for range runtime.NumCPU() {
		done.Go(func() {
			for !stop.Load() {
			}
		})
	}
	return func() {
		stop.Store(true)
		done.Wait()
	}
}
