package child

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// Name is argv[0] of a child. Main dispatches on it.
const Name = "hotcell-child"

// Descriptors that the child inherits; see the package comment.
const (
	ControlFD      = 3
	ShimFD         = 4
	instructionsFD = 5
	statusFD       = 6
)

// ID is the user and group that the child's user namespace maps.
const ID = 1000

// Instructions say what to become. The supervisor makes them; they are
// trusted.
type Instructions struct {
	Executable string // the interpreter, a path below one of Mounts
	Args       []string
	Env        []string
	Mounts     []string // host files and directories, by absolute path
	Links      []Link
	DropGroups bool // the user namespace lets setgroups(2) empty the groups
	Limits     []Limit
}

// Link is a symbolic link of the template's root.
type Link struct{ Path, Target string }

// Limit is one resource limit, soft and hard.
type Limit struct {
	Resource   int
	Soft, Hard uint64
}

// StageError is a step that failed, in the child or later in a sandbox.
// Errno is 0 when the kernel had no part in it.
type StageError struct {
	Stage string
	Errno int
	Text  string
}

func (e *StageError) Error() string { return e.Stage + ": " + e.Text }

const maxInstructions = 1 << 20

// admitted is the byte that follows the instructions once the child is in its
// control group.
const admitted = 'g'

func readInstructions(r io.Reader) (Instructions, error) {
	var i Instructions
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return i, fmt.Errorf("read instructions: %w", err)
	}
	n := binary.LittleEndian.Uint32(size[:])
	if n > maxInstructions {
		return i, fmt.Errorf("read instructions: %d bytes, at most %d", n, maxInstructions)
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(r, data); err != nil {
		return i, fmt.Errorf("read instructions: %w", err)
	}
	if err := json.Unmarshal(data, &i); err != nil {
		return i, fmt.Errorf("decode instructions: %w", err)
	}
	return i, nil
}

// Write sends the instructions: the child takes its steps up to admission.
func (i Instructions) Write(w io.Writer) error {
	data, err := json.Marshal(i)
	if err != nil {
		return fmt.Errorf("encode instructions: %w", err)
	}
	frame := binary.LittleEndian.AppendUint32(nil, uint32(len(data)))
	if _, err := w.Write(append(frame, data...)); err != nil {
		return fmt.Errorf("write instructions: %w", err)
	}
	return nil
}

// Admit tells the child, behind its instructions, that it is in its control
// group: only now may it become the interpreter.
func Admit(w io.Writer) error {
	if _, err := w.Write([]byte{admitted}); err != nil {
		return fmt.Errorf("admit child: %w", err)
	}
	return nil
}

// ReadStatus waits until the child has become the interpreter, which gives
// nil, or a step has failed, which gives its *StageError.
func ReadStatus(r io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(r, 1<<16))
	if err != nil {
		return fmt.Errorf("read child's status: %w", err)
	}
	if len(data) == 0 {
		return nil
	}
	var failed StageError
	if err := json.Unmarshal(data, &failed); err != nil {
		return fmt.Errorf("decode child's status: %w", err)
	}
	return &failed
}
