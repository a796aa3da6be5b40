package supervisor

import (
	"io"

	"hotcell/ipc"
	"hotcell/shm"
	"hotcell/syscallpolicy"
	"hotcell/vm"
)

// Spec says which model is to run, and how. The supervisor does not change
// it.
type Spec struct {
	Files       []SourceFile // the first one is the model, the others its modules
	Function    string       // what is called, "model" when empty
	Interpreter vm.Interpreter
	Shim        []byte // for this interpreter, see vm

	// Policy has the limits, the modules that the model's own import
	// statements may name, and the rules by which operations are decided. The
	// launch fails when a module that somebody asked for by name cannot be
	// imported.
	Policy syscallpolicy.Policy

	// Ask answers what the policy says to ask about; nil denies it.
	Ask Asker

	// Observe is told of every decision, after it was made; nil for nobody.
	// It must not block.
	Observe func(syscallpolicy.Operation, syscallpolicy.Decision)

	// Functions are the host's, by the name that the model calls. A rule for the
	// kind "call" comes before; without one they are allowed.
	Functions map[string]HostFunction

	Env    []string // K=V, the model's whole environment
	Seed   *uint64  // nil: random
	Arrays bool     // calls pass arrays, so that numpy must be there

	// Stdout and Stderr get what the model prints, as it comes. nil discards.
	Stdout, Stderr io.Writer
}

// SourceFile is one file of a model.
type SourceFile struct {
	Module  string // dotted import name, empty for the model itself
	Path    string // what tracebacks show
	Package bool
	Source  []byte
}

// Input is one named argument of a call. An array lies in Region, at
// Value.Ref, and nobody writes the region any more, but its owner through a
// mapping of before (shm.Region.FreezeOthers). A model sees the whole of a
// region that an array fills, and nothing else of one that it does not. Any
// other value has no region.
type Input struct {
	Name   string
	Value  ipc.Value
	Region *shm.Region
}

// ArrayInput passes the array at ref of a region.
func ArrayInput(name string, ref shm.Ref, region *shm.Region) Input {
	return Input{Name: name, Value: ipc.Value{Kind: ipc.KindArray, Ref: ref}, Region: region}
}

// Results are what a call returned: by name, in the model's order. Arrays
// and long text lie in a region that the sandbox cannot write. The caller
// closes it; the memory is then used for a later call's.
type Results struct {
	Values []ipc.Arg
	Region *shm.Region

	give func(*shm.Region) // takes the region back, nil closes it
}

// Close gives the memory of the results back. It may be called on nil.
func (r *Results) Close() {
	if r == nil || r.Region == nil {
		return
	}
	if r.give != nil {
		r.give(r.Region)
	} else {
		r.Region.Close()
	}
	r.Region = nil
}
