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

// Input is one named argument of a call. An array lies in Region, which is
// frozen and shows the model nothing but the array; any other value has no
// region.
type Input struct {
	Name   string
	Value  ipc.Value
	Region *shm.Region
}

// ArrayInput passes the array at ref of a frozen region.
func ArrayInput(name string, ref shm.Ref, region *shm.Region) Input {
	return Input{Name: name, Value: ipc.Value{Kind: ipc.KindArray, Ref: ref}, Region: region}
}

// Results are what a call returned: by name, in the model's order. Arrays
// and long text lie in a region that nobody can write any more. The caller
// closes it.
type Results struct {
	Values []ipc.Arg
	Region *shm.Region
}

// Close gives the memory of the results back. It may be called on nil.
func (r *Results) Close() {
	if r != nil && r.Region != nil {
		r.Region.Close()
	}
}
