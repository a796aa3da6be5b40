package syscallpolicy

import (
	"errors"
	"fmt"
)

// Shape is the little of a policy that changes the filter itself; everything
// else is decided in the supervisor (parent), so that sandboxes of one shape
// can wait locked down before it is known whose model they will run. A Shape
// is comparable: it is the key under which a compiled filter is kept.
//
// The zero value allows the least: no executable mapping, no thread, and,
// as it does not say where grants lie, no mremap at all.
type Shape struct {
	// ExecMappings allows new executable memory, which a JIT cannot do
	// without. Otherwise such a mapping is asked, and so on record.
	ExecMappings bool

	// Threads allows more threads in the sandbox's own process.
	Threads bool

	// GrantLow and GrantHigh bound the range [GrantLow, GrantHigh) that is
	// reserved for granted arrays: multiples of GrantAlign. mremap must not
	// touch it, or a window on a slice would grow over its neighbours, and no
	// thread may wait in it for another process.
	GrantLow, GrantHigh uint64

	// Asked are calls that are asked though the filter could answer them by
	// itself, because a policy refuses them or has them on record: names in
	// order with a blank between, so that equal shapes are equal.
	Asked string
}

// GrantAlign is what both ends of the grants' range are multiples of: large
// against any page size, and large enough to keep the filter short, which has
// one comparison for each bit in which the range's end differs from the end
// of the address space.
const GrantAlign = 1 << 20

// check refuses a range that the filter could not be true to.
func (s Shape) check() error {
	switch {
	case s.GrantLow == 0 && s.GrantHigh == 0:
		return nil
	case s.GrantLow == 0 || s.GrantLow >= s.GrantHigh:
		return fmt.Errorf("grant range %#x to %#x is empty or starts at 0", s.GrantLow, s.GrantHigh)
	case s.GrantLow%GrantAlign != 0 || s.GrantHigh%GrantAlign != 0:
		return fmt.Errorf("grant range %#x to %#x: the ends must be multiples of %#x", s.GrantLow, s.GrantHigh, GrantAlign)
	case s.GrantHigh > addressLimit:
		return fmt.Errorf("grant range ends at %#x, beyond the address space's %#x", s.GrantHigh, uint64(addressLimit))
	}
	return nil
}

func (s Shape) String() string {
	text := "no executable mappings"
	if s.ExecMappings {
		text = "executable mappings"
	}
	if s.Threads {
		text += ", threads"
	} else {
		text += ", no threads"
	}
	if s.GrantHigh == 0 {
		text += ", no grants"
	} else {
		text += fmt.Sprintf(", grants in [%#x, %#x)", s.GrantLow, s.GrantHigh)
	}
	if s.Asked != "" {
		text += ", also asked: " + s.Asked
	}
	return text
}

// The size of an instruction, struct sock_filter, and how many the kernel
// takes in one program.
const (
	instructionSize = 8
	maxInstructions = 4096
)

// Program is a compiled filter: instructions for the kernel's classic BPF. The
// supervisor (parent) makes it and the sandbox installs it on itself. It
// cannot be changed once made.
type Program struct{ code string }

// newProgram takes over the bytes of a program.
func newProgram(code []byte) (Program, error) {
	n := len(code) / instructionSize
	if n == 0 || len(code)%instructionSize != 0 || n > maxInstructions {
		return Program{}, fmt.Errorf("a program of %d bytes: %w", len(code), errProgramSize)
	}
	return Program{string(code)}, nil
}

var errProgramSize = errors.New("not 1 to 4096 whole instructions")

// Bytes gives the kernel's array of struct sock_filter, in the machine's byte
// order.
func (p Program) Bytes() []byte { return []byte(p.code) }

// Len is the number of instructions.
func (p Program) Len() int { return len(p.code) / instructionSize }
