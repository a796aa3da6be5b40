package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Error says why a file is of no use as an interpreter.
type Error struct {
	Asked string
	Err   error
}

func (e *Error) Error() string {
	return fmt.Sprintf("interpreter %s: %v; name a CPython %v or newer (hotcell interpreters lists what is there)",
		e.Asked, e.Err, oldest.short())
}

func (e *Error) Unwrap() error { return e.Err }

// defaultTimeout is far above what a cold disk needs for numpy.
const defaultTimeout = 10 * time.Second

// probe runs the interpreter that a path leads to. The second value is what
// decides on its answer besides the Interpreter's own files.
func probe(ctx context.Context, asked string, opt Options) (Interpreter, []string, error) {
	if err := runnable(asked); err != nil {
		return Interpreter{}, nil, err
	}
	who, err := identify(ctx, asked, opt)
	if err != nil {
		return Interpreter{}, nil, err
	}
	if err := supported(who); err != nil {
		return Interpreter{}, nil, err
	}
	i := Interpreter{
		Asked: asked, Implementation: who.Implementation,
		Executable: who.Executable, Version: who.Version.String(),
	}
	home := opt.lookup("HOME")
	i.Path, i.Notes = modulePath(who.Path, home)
	what, err := examine(ctx, i, opt)
	if err != nil {
		return Interpreter{}, nil, fmt.Errorf("its binary %s, started alone: %w", i.Executable, err)
	}
	if what.Version != who.Version {
		return Interpreter{}, nil, fmt.Errorf("its binary %s is another version, %v and not %v", i.Executable, what.Version, who.Version)
	}
	i.Magic, i.Numpy, i.NumpyError = what.Magic, what.Numpy, what.NumpyError
	if err := i.describeRoot(what, home); err != nil {
		return Interpreter{}, nil, err
	}
	dir := filepath.Dir(asked)
	watched := append(who.Watched, filepath.Join(dir, "pyvenv.cfg"), filepath.Join(filepath.Dir(dir), "pyvenv.cfg"))
	if what.NumpyFile != "" {
		watched = append(watched, what.NumpyFile)
	}
	return i, watched, nil
}

// runnable sorts out what execve would refuse less clearly.
func runnable(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return errors.New("no such file")
	case err != nil:
		var detail *os.PathError
		if errors.As(err, &detail) {
			return detail.Err // the path is told anyway
		}
		return err
	case info.IsDir():
		return errors.New("a directory, not a program")
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return errors.New("not an executable file")
	}
	return nil
}

func identify(ctx context.Context, asked string, opt Options) (identity, error) {
	p := process{
		path: asked, argv: []string{asked, "-I", "-B", "-X", "utf8", "-c", identifyScript},
		env: opt.environ(), dir: opt.Dir,
	}
	out, err := p.run(ctx, opt.timeout())
	if err != nil {
		// Python 2 knows no -I and says so.
		if strings.Contains(err.Error(), "Unknown option: -I") {
			return identity{}, errors.New("this is Python 2")
		}
		return identity{}, err
	}
	who, err := parseIdentity(out)
	if errors.Is(err, errNoAnswer) {
		return identity{}, errors.New("it gave no answer, so it is no Python")
	}
	return who, err
}

func supported(who identity) error {
	if who.Implementation != cpython && who.Implementation != pypy {
		return fmt.Errorf("%s, neither CPython nor PyPy", who.Implementation)
	}
	if who.Version.before(oldest) {
		return fmt.Errorf("%s %v is too old", who.Implementation, who.Version)
	}
	return nil
}

// examine starts the binary as a template and imports numpy. An import that
// crashes leaves an interpreter without numpy, not none.
func examine(ctx context.Context, i Interpreter, opt Options) (examination, error) {
	p := process{
		path: i.Executable, argv: i.command(examineScript, i.Path...),
		env: environment(), dir: "/",
	}
	out, err := p.run(ctx, opt.timeout())
	if ctx.Err() != nil || errors.Is(err, errTimeout) {
		return examination{}, err
	}
	what, parseErr := parseExamination(out)
	switch {
	case parseErr != nil && err != nil:
		return examination{}, err
	case parseErr != nil:
		return examination{}, parseErr
	}
	if err != nil && what.NumpyError != "" {
		what.NumpyError = oneLine(what.NumpyError + ": " + err.Error())
	}
	if len(what.Missing) > 0 {
		return examination{}, fmt.Errorf("modules of its standard library are missing: %s", strings.Join(what.Missing, ", "))
	}
	return what, nil
}

// modulePath leaves out of sys.path what does not exist and what would show
// more of the host than modules.
func modulePath(entries []string, home string) (path, notes []string) {
	for _, entry := range entries {
		real, err := filepath.EvalSymlinks(entry)
		if err != nil {
			continue
		}
		if tooWide(real, home) {
			notes = append(notes, entry+" is left out of the module path: it holds more than modules")
			continue
		}
		path = append(path, entry)
	}
	return path, notes
}

// transient tells errors that say nothing about the interpreter.
func transient(err error) bool {
	return errors.Is(err, errTimeout) || errors.Is(err, context.Canceled) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ENOMEM)
}
