package child

import (
	"encoding/json"
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// step is one confinement step. Its name is what a StageError shows.
type step struct {
	name string
	run  func(*state) error
}

// state is what the steps hand on.
type state struct {
	Instructions
	pipe    *os.File // of the instructions
	sources []source
}

var steps = []step{
	{"propagation", propagation},
	{"sources", sources},
	{"credentials", credentials},
	{"root", root},
	{"hostname", hostname},
	{"limits", limits},
	{"personality", personality},
	{"privileges", privileges},
	{"landlock", landlock},
	{"death", death},
	{"descriptors", descriptors},
	{"admission", admission},
	{"exec", become},
}

// Dispatch turns this process into a child, or into the maker of a scratch, if
// it was started as one, and then never returns. It is the first statement of
// main.
func Dispatch() {
	switch {
	case len(os.Args) == 1 && os.Args[0] == Name:
		main()
	case len(os.Args) == 3 && os.Args[0] == scratchName:
		scratchMain(os.Args[1], os.Args[2])
	}
}

// main runs all steps on one thread: credentials and Landlock belong to
// threads, and the one that executes the interpreter is the one that stays.
func main() {
	runtime.LockOSThread()
	failed := run()
	status := os.NewFile(statusFD, "status")
	if data, err := json.Marshal(failed); err == nil {
		status.Write(data)
	}
	os.Exit(1)
}

func run() *StageError {
	s := state{pipe: os.NewFile(instructionsFD, "instructions")}
	var err error
	if s.Instructions, err = readInstructions(s.pipe); err != nil {
		return stageError("instructions", err)
	}
	for _, step := range steps {
		if err := step.run(&s); err != nil {
			return stageError(step.name, err)
		}
	}
	return stageError("exec", errors.New("it returned"))
}

func stageError(stage string, err error) *StageError {
	failed := &StageError{Stage: stage, Text: err.Error()}
	if errno, ok := errors.AsType[unix.Errno](err); ok {
		failed.Errno = int(errno)
	}
	return failed
}
