package doctor

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"hotcell/supervisor"
	"hotcell/supervisor/host"
	"hotcell/vm"
)

// Checks of what models run in, and of a model.

func (e *evidence) python() finding {
	i := e.interpreter
	switch {
	case errors.Is(e.interpreterErr, context.DeadlineExceeded):
		return missing(host.Trouble{What: fmt.Sprintf("no interpreter answers within %v", probeTime),
			Mend: "try again: a first start from a slow disk takes long; else name one with --interpreter"})
	case errors.Is(e.interpreterErr, vm.ErrNotFound):
		return missing(host.Trouble{What: e.interpreterErr.Error(), Mend: e.host.Install("python3", "python3-numpy")})
	case e.interpreterErr != nil:
		return missing(host.Trouble{What: e.interpreterErr.Error(), Mend: "name another one with --interpreter; hotcell interpreters lists them"})
	}
	text := fmt.Sprintf("%s %s, %s", i.Implementation, i.Version, i.Executable)
	// A link in the usual places is what everybody has; a script of a version
	// manager, or a venv, is worth a word.
	if real, err := filepath.EvalSymlinks(i.Asked); err != nil || real != i.Executable {
		text += " behind " + i.Asked
	}
	return fine("%s; %s", text, i.Reason)
}

func (e *evidence) numpy() finding {
	i := e.interpreter
	switch {
	case e.interpreterErr != nil:
		return untried("there is no interpreter", "interpreter")
	case i.Numpy != "":
		return fine("%s", i.Numpy)
	case i.NumpyError != "":
		return weaker(host.Trouble{What: "it is there and cannot be imported: " + i.NumpyError, Mend: e.host.InstallNumpy(i.Executable)})
	}
	return weaker(host.Trouble{What: "none for " + i.Executable, Mend: e.host.InstallNumpy(i.Executable)})
}

func (e *evidence) interpreterFiles() finding {
	switch {
	case e.interpreterErr != nil:
		return untried("there is no interpreter", "interpreter")
	case !e.foreign():
		return fine("models run as this user, who could read them")
	case e.unreadable == nil:
		return fine("everybody may read them")
	}
	t := host.Trouble{What: "not for everybody: " + strings.Join(e.unreadable, ", "), Mend: "chmod -R o+rX " + strings.Join(e.unreadable, " ")}
	if e.run.outcome != nil && e.run.outcome.Cause.Verdict == supervisor.OK {
		return weaker(t)
	}
	return missing(t)
}

func (e *evidence) wholeRun() finding {
	r := e.run
	switch {
	case e.interpreterErr != nil:
		return untried("there is no interpreter", "interpreter")
	case e.deadly():
		return untried("a filter ends processes", "outer-filter")
	case e.identityErr != nil:
		return untried("there is no id to run it under", "identity")
	case e.groups.err != nil:
		return untried("a supervisor needs control groups", "cgroup")
	case r.err != nil:
		return missing(host.Trouble{What: r.err.Error()})
	case r.outcome.Cause.Verdict == supervisor.Cancelled:
		return missing(host.Trouble{What: fmt.Sprintf("no end within %v", probeTime), Mend: "try again on a machine with less load"})
	case r.outcome.Cause.Verdict != supervisor.OK:
		return missing(host.Trouble{What: r.outcome.Cause.Error()})
	}
	i := r.outcome.Isolation
	return fine("%d ms; namespaces %s; seccomp %s; Landlock %d; cgroup %s; root %s; capabilities %s; uid %d",
		r.took.Milliseconds(), strings.Join(i.Namespaces, " "), i.Seccomp, i.Landlock, i.Cgroup, i.Root, i.Capabilities, i.UID)
}
