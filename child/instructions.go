package child

import (
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

func readInstructions(r io.Reader) (Instructions, error) {
	var i Instructions
	data, err := io.ReadAll(io.LimitReader(r, maxInstructions))
	if err != nil {
		return i, fmt.Errorf("read instructions: %w", err)
	}
	if err := json.Unmarshal(data, &i); err != nil {
		return i, fmt.Errorf("decode instructions: %w", err)
	}
	return i, nil
}

// Write sends the instructions and with their end starts the child's steps.
func (i Instructions) Write(w io.WriteCloser) error {
	defer w.Close()
	data, err := json.Marshal(i)
	if err != nil {
		return fmt.Errorf("encode instructions: %w", err)
	}
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("write instructions: %w", err)
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
