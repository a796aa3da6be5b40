package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Options say how to look for interpreters. The zero value probes anew, with
// the process's own environment and directory.
type Options struct {
	Cache   *Cache        // of answers; nil keeps none
	Env     []string      // holds PATH and what steers version managers; nil is os.Environ
	Dir     string        // the working directory; "" is the process's own
	Timeout time.Duration // of one step of a probe; 0 is 10 s
}

func (o Options) timeout() time.Duration {
	if o.Timeout <= 0 {
		return defaultTimeout
	}
	return o.Timeout
}

func (o Options) environ() []string {
	if o.Env == nil {
		return os.Environ()
	}
	return o.Env
}

// lookup gives a variable, the last one if there are several, as execve does.
func (o Options) lookup(name string) string {
	if o.Env == nil {
		return os.Getenv(name)
	}
	for i := len(o.Env) - 1; i >= 0; i-- {
		if value, ok := strings.CutPrefix(o.Env[i], name+"="); ok {
			return value
		}
	}
	return ""
}

func (o Options) dir() string {
	dir := o.Dir
	if dir == "" {
		dir = "."
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "" // the directory was removed
	}
	return dir
}

// Find gives the interpreter for a choice:
//
//	"", "cpython"  the first CPython on the PATH that has numpy, else the
//	               first one found
//	"pypy"         the first PyPy on the PATH
//	a name         of a program on the PATH, such as "python3.12"
//	a path         with a slash in it
//
// It stops at the first that fits. A failure is an *Error where the choice
// names one file.
func Find(ctx context.Context, choice string, opt Options) (Interpreter, error) {
	f := newFinder(opt)
	switch {
	case choice == "" || choice == cpython:
		return f.cpython(ctx)
	case choice == pypy:
		return f.pypy(ctx)
	case filepath.IsAbs(choice):
		return f.named(ctx, filepath.Clean(choice))
	case strings.Contains(choice, "/"):
		return f.named(ctx, filepath.Join(f.dir(), choice))
	}
	for c := range f.candidates([]string{choice}) {
		return f.named(ctx, c.path)
	}
	return Interpreter{}, &Error{Asked: choice, Err: errors.New("not on the PATH")}
}

// finder is one search. Several candidates may depend on what steers shims,
// which is looked at once.
type finder struct {
	Options
	steering func() string
}

func newFinder(opt Options) *finder {
	return &finder{Options: opt, steering: sync.OnceValue(opt.steeringState)}
}

// named gives the interpreter of a path that somebody named.
func (f *finder) named(ctx context.Context, path string) (Interpreter, error) {
	i, err := f.interpreter(ctx, path, true)
	if err != nil {
		return Interpreter{}, err
	}
	i.Reason = "asked for"
	return i, nil
}

func (f *finder) cpython(ctx context.Context) (Interpreter, error) {
	var first Interpreter
	var failures []error
	for c := range f.candidates(cpythonNames) {
		i, err := f.interpreter(ctx, c.path, false)
		switch {
		case ctx.Err() != nil:
			return Interpreter{}, fmt.Errorf("find interpreter: %w", ctx.Err())
		case err != nil:
			failures = append(failures, err)
		case i.Implementation != cpython:
		case i.Numpy != "":
			i.Reason = "first " + c.place() + " with numpy"
			return i, nil
		case first.Executable == "":
			first = i
			first.Reason = "no interpreter has numpy; first " + c.place()
		}
	}
	if first.Executable == "" {
		return Interpreter{}, notFound("CPython", "apt install python3 python3-numpy", failures)
	}
	return first, nil
}

func (f *finder) pypy(ctx context.Context) (Interpreter, error) {
	var failures []error
	for c := range f.candidates(pypyNames) {
		i, err := f.interpreter(ctx, c.path, false)
		switch {
		case ctx.Err() != nil:
			return Interpreter{}, fmt.Errorf("find interpreter: %w", ctx.Err())
		case err != nil:
			failures = append(failures, err)
		case i.Implementation == pypy:
			i.Reason = "first PyPy " + c.place()
			return i, nil
		}
	}
	return Interpreter{}, notFound("PyPy", "apt install pypy3", failures)
}

// ErrNotFound is matched by the error of Find when there is no interpreter of
// the chosen kind at all.
var ErrNotFound = errors.New("none found")

func notFound(kind, install string, failures []error) error {
	err := fmt.Errorf("find %s %v or newer: %w on the PATH or in the usual places; install one (%s) or name one with --interpreter",
		kind, oldest.short(), ErrNotFound, install)
	if len(failures) == 0 {
		return err
	}
	var e *Error
	errors.As(failures[0], &e)
	return fmt.Errorf("%w; of no use: %s (%v)", err, e.Asked, e.Err)
}

// interpreter probes a path or recalls the answer. Whoever names a path has
// perhaps just mended it, so an error is then never an old one.
func (f *finder) interpreter(ctx context.Context, asked string, named bool) (Interpreter, error) {
	if r, ok := f.recall(asked); ok && (r.Failure == "" || !named) {
		if r.Failure != "" {
			return Interpreter{}, &Error{Asked: asked, Err: errors.New(r.Failure)}
		}
		return r.Interpreter, nil
	}
	started := time.Now()
	i, watched, err := probe(ctx, asked, f.Options)
	if err != nil {
		if !transient(err) {
			f.remember(asked, record{Made: started, Interpreter: Interpreter{Asked: asked}, Failure: oneLine(err.Error())})
		}
		return Interpreter{}, &Error{Asked: asked, Err: err}
	}
	f.remember(asked, record{Made: started, Interpreter: i, Watched: watched})
	return i, nil
}
