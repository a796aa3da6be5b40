//go:build !linux

package syscallpolicy

import (
	"errors"
	"fmt"
)

// profile is for Linux only.
type profile struct{}

func (*profile) decide(Operation) (Decision, bool) { return Decision{}, false }

func (*profile) title() string { return "" }

func readProfile(name string, _ []byte) (*profile, []string, error) {
	return nil, nil, fmt.Errorf("%s: read a table of system calls: %w", name, errors.ErrUnsupported)
}

func (Policy) asked() string { return "" }

func checkCall(name string) error {
	return fmt.Errorf("system call %s: %w", name, errors.ErrUnsupported)
}

func filterRefusals(Shape) []string { return nil }
