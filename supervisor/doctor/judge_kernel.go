package doctor

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"hotcell/supervisor/host"
)

// Checks of what the host is.

func (e *evidence) kernel() finding {
	this := strings.TrimSpace("Linux " + e.release + " on " + e.machine)
	if !e.atLeast(5, 14) {
		return missing(host.Trouble{What: this + ": older than 5.14", Mend: e.host.NewerKernel("5.14")})
	}
	return fine("%s; 5.14 is the oldest that is enough", this)
}

func (e *evidence) waitKillable() finding {
	got, made := e.calls.of(callWaitKillable)
	switch {
	case !made:
		return unanswered(e.calls)
	case got.Errno == unix.EFAULT: // it knows the flag and misses the filter
		return fine("yes")
	case got.Errno != unix.EINVAL:
		return weaker(e.host.Filter("seccomp"))
	}
	return weaker(host.Trouble{What: "no: Linux 5.19 adds it", Mend: e.host.NewerKernel("5.19")})
}

func (e *evidence) syncWakeUp() finding {
	if _, made := e.notify.of(stepSync); !made {
		return fine("not tried")
	}
	if e.notify.works(stepSync) {
		return fine("yes")
	}
	return fine("no: Linux 6.6 adds it")
}

func (e *evidence) mseal() finding {
	if _, made := e.calls.of(callMseal); !made {
		return fine("not tried")
	}
	if e.calls.works(callMseal, unix.EINVAL) {
		return fine("yes")
	}
	return fine("no: Linux 6.10 adds it, and the filter is enough")
}

func (e *evidence) container() finding {
	kind, evidence := e.host.Container()
	switch {
	case kind != "":
		return fine("%s (%s)", kind, evidence)
	case e.host.Nested():
		return fine("a user namespace of somebody's, no container that shows")
	}
	return fine("none that shows")
}

func (e *evidence) systemd() finding {
	if !e.host.Systemd() {
		return fine("does not run here")
	}
	text := "runs"
	if unit := e.host.Unit(); unit != "" {
		text += "; this process is in " + unit
	}
	if e.groups.err == nil {
		text += "; models go to control groups below " + e.groups.layout.Parent
	}
	if e.host.UID != 0 && !e.host.UserManager() {
		text += fmt.Sprintf("; user %d has no systemd of his own", e.host.UID)
	}
	return fine("%s", text)
}

// proc is judged by what could be read; a mount's options only explain.
func (e *evidence) proc() finding {
	if e.self != nil {
		return missing(host.Trouble{
			What: "/proc is not this process's: " + e.self.Error(),
			Mend: "mount one for this PID namespace: mount -t proc proc /proc",
		})
	}
	if e.trial.proof != nil {
		t := host.Trouble{What: "/proc hides sandboxes: " + e.trial.proof.Error(), Mend: e.host.RemountProc()}
		return missing(t)
	}
	if _, tried := e.trial.steps.of(stepReady); !tried {
		return fine("mounted; not tried on a process in namespaces")
	}
	return fine("mounted, and shows a process in namespaces")
}

// unanswered is for what a probe did not get to: it was not started, or ended
// by something before.
func unanswered(a answers) finding {
	switch {
	case a.end == nil:
		return untried("its probe ended early", "kernel")
	case !a.started:
		return untried(a.end.Error(), "proc")
	}
	return untried("its probe ends: "+a.end.Error(), "outer-filter")
}
