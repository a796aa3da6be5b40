//go:build !linux

package syscallpolicy

import (
	"errors"
	"fmt"
)

// Compile is for Linux only.
func (s Shape) Compile() (Program, error) {
	return Program{}, fmt.Errorf("compile the system call filter: %w", errors.ErrUnsupported)
}
