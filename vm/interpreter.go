package vm

// Interpreter is one probed interpreter: an immutable value of the
// supervisor's.
type Interpreter struct {
	Asked          string   // what the user or the PATH named
	Reason         string   // why this one, in words for a report
	Implementation string   // "cpython" or "pypy"
	Executable     string   // the real binary, behind scripts, links and venvs
	Version        string   // of the language, "3.11.2"
	Magic          string   // its bytecode's magic number, in hexadecimal
	Path           []string // sys.path with site, existing entries only
	Numpy          string   // its version, "" where it cannot be imported
	NumpyError     string   // why a numpy that is there cannot be imported
	Mounts         []string // host files and directories, no one below another
	Links          []Link   // symbolic links that lead to them
	Notes          []string // what was left out of Path, and why
}

// Link is a symbolic link that the interpreter's root needs. The directory of
// Path is free of links and Path is not below a mount.
type Link struct{ Path, Target string }

const (
	cpython = "cpython"
	pypy    = "pypy"
)

// Command gives the arguments, the program's name first, and the environment
// with which a template starts. The program is i.Executable.
func (i Interpreter) Command() (argv, env []string) {
	return i.command(bootstrap), environment()
}

// command starts a script isolated and without site, whose work the probe has
// done: the shim sets sys.path from i.Path. -B, because nothing can be written
// in the root. -X utf8, because no locale is there either.
func (i Interpreter) command(script string, args ...string) []string {
	return append([]string{i.Executable, "-I", "-S", "-B", "-X", "utf8", "-c", script}, args...)
}

// environment is all that an interpreter sees; nothing is inherited. It
// returns a new slice on each call.
func environment() []string {
	return []string{
		"LC_CTYPE=C.UTF-8",
		// A fork keeps only the calling thread, so no library may start one
		// while the template imports it.
		"OPENBLAS_NUM_THREADS=1",
		"OMP_NUM_THREADS=1",
		"MKL_NUM_THREADS=1",
		"BLIS_NUM_THREADS=1",
		"NUMEXPR_NUM_THREADS=1",
		// Unset, the C library looks for /etc/localtime at each conversion of
		// a time, and in a sandbox each look would be a routed operation.
		"TZ=UTC0",
	}
}
