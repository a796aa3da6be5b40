package doctor

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"hotcell/supervisor/host"
)

// Checks of the walls around a model.

func (e *evidence) uid() finding {
	switch {
	case e.self != nil:
		return untried("which ids there are is read in /proc", "proc")
	case e.identityErr != nil:
		return missing(e.host.Identity(e.identityErr))
	case e.host.UID != 0:
		return fine("models run as this user, %d: only root has other ids to give", e.identity.UID)
	case e.identity.UID == 0:
		return fine("models run as this namespace's root, who is an ordinary user outside of it")
	case e.identity.Shared:
		return fine("models run as id %d, which all supervisors in this user namespace take", e.identity.UID)
	}
	return fine("models run as id %d, which is no account's", e.identity.UID)
}

// namespaces names the first step that failed.
func (e *evidence) namespaces() finding {
	if e.deadly() {
		return untried("a filter ends processes", "outer-filter")
	}
	if e.trial.start != nil {
		var errno unix.Errno
		if e.self != nil {
			return untried("no process can be started without /proc", "proc")
		}
		if !errors.As(e.trial.start, &errno) {
			return missing(host.Trouble{What: e.trial.start.Error(), Mend: noMend})
		}
		return missing(e.host.Namespaces(stepNamespaces, errno))
	}
	for _, step := range e.trial.steps.list {
		if step.Errno != 0 {
			return missing(e.host.Namespaces(step.Call, step.Errno))
		}
	}
	if e.trial.steps.end != nil {
		return missing(host.Trouble{What: "a process in namespaces of its own ends: " + e.trial.steps.end.Error(), Mend: e.mendEnd()})
	}
	return fine("can be made, and a second set within, with rights in both")
}

// mendEnd is for a process that is killed for what it calls.
func (e *evidence) mendEnd() string {
	if e.host.Filtered() {
		return e.host.Filter().Mend
	}
	return noMend
}

func (e *evidence) seccomp() finding {
	got, made := e.notify.of(stepListener)
	switch {
	case e.deadly():
		return untried("a filter ends processes", "outer-filter")
	case !made && !e.notify.started:
		return unanswered(e.notify)
	case !made:
		return missing(host.Trouble{What: fmt.Sprintf("a process with a filter ends: %v", e.notify.end), Mend: e.mendEnd()})
	case got.Errno == unix.EBUSY:
		return missing(host.Trouble{
			What: "another program gets the notifications of this process already, and the kernel allows but one",
			Mend: e.host.Filter().Mend,
		})
	case got.Errno != 0:
		return missing(e.noFilter(got.Errno))
	}
	for _, step := range []string{stepReceive, stepAddFD, stepAddSend, stepRespond, stepReturn} {
		if got, made := e.notify.of(step); !made || got.Errno != 0 {
			return missing(host.Trouble{What: fmt.Sprintf("a notification fails at %q: %v", step, got.Errno), Mend: e.host.NewerKernel("5.14")})
		}
	}
	if !e.calls.works(callKill) && e.calls.end == nil {
		return missing(host.Trouble{What: "the kernel cannot end a process by a filter", Mend: e.host.NewerKernel("5.14")})
	}
	return fine("filter with notification, answered by value and by descriptor")
}

// noFilter explains that no filter with a listener can be installed.
func (e *evidence) noFilter(errno unix.Errno) host.Trouble {
	switch {
	case e.host.Filtered() && errno != unix.EINVAL:
		return e.host.Filter("seccomp")
	case errno == unix.EINVAL || errno == unix.ENOSYS:
		return host.Trouble{What: "the kernel has no seccomp filter with notification: " + errno.Error(),
			Mend: "none on this kernel: boot one with CONFIG_SECCOMP_FILTER, 5.14 or newer"}
	}
	return host.Trouble{What: "a filter is refused: " + errno.Error(), Mend: noMend}
}

func (e *evidence) outerFilter() finding {
	needed, optional := e.refusals()
	switch {
	case !e.calls.started:
		return unanswered(e.calls)
	case len(needed) > 0 && e.host.Filtered():
		return missing(e.host.Filter(needed...))
	case len(needed) > 0:
		return missing(host.Trouble{What: "no filter is around this process, and yet refused are " + strings.Join(needed, ", "),
			Mend: "none known; a security module's reason is in the kernel's log (dmesg) or the audit log"})
	case e.host.Filtered() && len(optional) > 0:
		return weaker(e.host.Filter(optional...))
	case e.host.Filtered():
		return weaker(host.Trouble{What: "a seccomp filter is around this process; what models need passes", Mend: e.host.Filter().Mend})
	}
	return fine("none")
}

func (e *evidence) inspection() finding {
	if _, ready := e.trial.steps.of(stepReady); !ready {
		return untried("there is no process in namespaces to look into", "user-namespaces")
	}
	for _, err := range []error{e.trial.taken, e.trial.memory} {
		var errno unix.Errno
		switch {
		case err == nil:
		case errors.As(err, &errno):
			return missing(e.host.Inspection(errno))
		default:
			return missing(host.Trouble{What: err.Error(), Mend: noMend})
		}
	}
	return fine("descriptors and memory of a process in namespaces can be reached")
}

// landlockAdds is what each version can forbid, of what a sandbox uses.
var landlockAdds = []struct {
	abi  int64
	what string
}{{1, "files"}, {4, "TCP"}, {6, "signals and abstract sockets"}}

func (e *evidence) landlock() finding {
	got, made := e.calls.of(callLandlock)
	switch {
	case !made:
		return unanswered(e.calls)
	case got.Errno != 0:
		return weaker(e.host.Landlock(got.Errno))
	}
	var has, lacks []string
	for _, add := range landlockAdds {
		if got.Value >= add.abi {
			has = append(has, add.what)
		} else {
			lacks = append(lacks, add.what)
		}
	}
	text := fmt.Sprintf("version %d: %s", got.Value, strings.Join(has, ", "))
	if lacks != nil {
		text += "; " + strings.Join(lacks, ", ") + " are left to the namespaces (Linux 6.7 and 6.12 add them)"
	}
	return fine("%s", text)
}
