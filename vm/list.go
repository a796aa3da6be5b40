package vm

import (
	"context"
	"runtime"
	"slices"
	"sync"
)

// Probed is one file that looked like an interpreter, with what it is.
type Probed struct {
	Path        string
	Interpreter Interpreter
	Err         error // an *Error; Interpreter is then empty
}

// List probes all interpreters on the PATH and in the usual places, CPython
// and PyPy, in the order in which Find would try them. Of several files that
// lead to the same interpreter only the first is given.
func List(ctx context.Context, opt Options) []Probed {
	f := newFinder(opt)
	var all []Probed
	for c := range f.candidates(slices.Concat(cpythonNames, pypyNames)) {
		all = append(all, Probed{Path: c.path})
	}
	var done sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for n := range all {
		done.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			p := &all[n]
			p.Interpreter, p.Err = f.interpreter(ctx, p.Path, true)
		})
	}
	done.Wait()
	var distinct []Probed
	for _, p := range all {
		if !slices.ContainsFunc(distinct, p.same) {
			distinct = append(distinct, p)
		}
	}
	return distinct
}

// same tells that two files lead to one interpreter with the same modules.
func (p Probed) same(q Probed) bool {
	return p.Err == nil && q.Err == nil &&
		p.Interpreter.Executable == q.Interpreter.Executable &&
		slices.Equal(p.Interpreter.Path, q.Interpreter.Path)
}
