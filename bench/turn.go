package main

import (
	"errors"
	"os/exec"
)

// inTurn measures both sides, the other one first in every other round, so
// that what the first leaves behind on the machine favours neither.
func inTurn[T any](round int, ours, theirs func() (T, error)) (a, b T, err error) {
	if round%2 == 1 {
		b, a, err = inTurn(0, theirs, ours)
		return a, b, err
	}
	if a, err = ours(); err != nil {
		return a, b, err
	}
	b, err = theirs()
	return a, b, err
}

// stderr is what a command that failed said.
func stderr(err error) string {
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return "\n" + string(failed.Stderr)
	}
	return ""
}
