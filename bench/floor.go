package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// floor is the C program that does a system call with as little as it takes.
type floor struct{ path string }

func newFloor(ctx context.Context, w *workshop) (floor, error) {
	path, err := w.compile(ctx, "floor/notify.c", "notify")
	return floor{path}, err
}

// blocks gives nanoseconds a call, one value for every 100 calls.
func (f floor) blocks(ctx context.Context, way string, blocks int) (sample, error) {
	args := append(strings.Fields(way), strconv.Itoa(100*blocks))
	out, err := exec.CommandContext(ctx, f.path, args...).Output()
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
