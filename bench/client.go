package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
)

// clientTimes are what models/client.py measured, in nanoseconds a call.
type clientTimes struct{ Pipe, Bound, Array, Passed sample }

// client compares calls by the Python client with multiprocessing.Pipe, which
// sends a small array there and back. Both take turns in one process.
func client(ctx context.Context, o options) error {
	w, err := newWorkshop()
	if err != nil {
		return err
	}
	defer w.close()
	script, err := w.put("models/client.py")
	if err != nil {
		return err
	}
	for _, load := range []string{"idle machine", "busy machine"} {
		fmt.Println(load)
		var busy burners
		if load == "busy machine" {
			if busy, err = startBurners(ctx, o.python, runtime.NumCPU()); err != nil {
				return err
			}
		}
		var bound, array, passed pair
		for range o.rounds {
			t, err := timeClient(ctx, o, script)
			if err != nil {
				busy.stop()
				return err
			}
			bound.add(t.Bound, t.Pipe)
			array.add(t.Array, t.Pipe)
			passed.add(t.Passed, t.Pipe)
		}
		busy.stop()
		bound.print("a call with a bound array of 8 bytes that gives a number", "hotcell", "pipe", 1e-3, "us")
		array.print("the same that gives an array of 8 bytes", "hotcell", "pipe", 1e-3, "us")
		passed.print("a call that is passed an array of 8 bytes and gives one", "hotcell", "pipe", 1e-3, "us")
	}
	return nil
}

func timeClient(ctx context.Context, o options, script string) (t clientTimes, err error) {
	out, err := clientScript(ctx, o, script, strconv.Itoa(60), strconv.Itoa(100))
	if err != nil {
		return t, err
	}
	return t, json.Unmarshal(out, &t)
}

// clientScript runs a script with the client of this tree, and gives what it
// printed.
func clientScript(ctx context.Context, o options, script string, args ...string) ([]byte, error) {
	binary, err := filepath.Abs(o.hotcell)
	if err != nil {
		return nil, err
	}
	folder, err := filepath.Abs("client/python")
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, o.python, append([]string{script, binary}, args...)...)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+folder)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w%s", filepath.Base(script), err, stderr(err))
	}
	return out, nil
}
