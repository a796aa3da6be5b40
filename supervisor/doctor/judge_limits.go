package doctor

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"hotcell/supervisor/cgroup"
	"hotcell/supervisor/host"
)

// Checks of limits, and of room for models.

func (e *evidence) cgroup() finding {
	l := e.groups.layout
	lacks, isMissing := errors.AsType[*cgroup.MissingError](e.groups.err)
	switch {
	case e.groups.err != nil && e.self != nil:
		return untried("where they are is read in /proc", "proc")
	case isMissing && lacks.Err != nil:
		return missing(host.Trouble{What: fmt.Sprintf("%s: %v", lacks.What, lacks.Err), Mend: lacks.Mend})
	case isMissing:
		return missing(host.Trouble{What: lacks.What, Mend: lacks.Mend})
	case e.groups.err != nil:
		return missing(host.Trouble{What: e.groups.err.Error(), Mend: noMend})
	}
	text := fmt.Sprintf("%s with %s, below %s", l.Kind, strings.Join(l.Controllers, ", "), l.Parent)
	if l.Kind != cgroup.V2 {
		text += "; an old layout, and fine"
	}
	return fine("%s", text)
}

func (e *evidence) swap() finding {
	switch {
	case e.groups.err != nil:
		return untried("there are no control groups", "cgroup")
	case e.groups.layout.SwapBounded:
		return fine("counts, so that none is used")
	case !e.host.Swaps():
		return fine("there is none")
	}
	return weaker(e.host.UncountedSwap())
}

func (e *evidence) memoryPeak() finding {
	switch {
	case e.groups.err != nil:
		return untried("there are no control groups", "cgroup")
	case e.groups.exact:
		return fine("exact")
	case e.atLeast(5, 19):
		return fine("may be that of the warming before a model: Linux 6.12 tells them apart")
	}
	return fine("the highest that the supervisor sees: Linux 5.19 keeps one")
}

// The least that is enough for some models at a time.
const (
	leastFiles      = 256
	leastProcesses  = 64
	leastNamespaces = 32
)

func (e *evidence) descriptors() finding {
	text := fmt.Sprintf("this process may have %s", count(e.files))
	if e.files < leastFiles {
		return weaker(host.Trouble{What: text, Mend: e.host.RaiseLimit("nofile", "LimitNOFILE=", leastFiles*16)})
	}
	return fine("%s", text)
}

// processes looks at all that bounds their number, but for control groups
// around this process: those show in the run of a model.
func (e *evidence) processesLeft() finding {
	if e.host.UID != 0 && e.processes < leastProcesses {
		return weaker(host.Trouble{What: "this user may have " + count(e.processes),
			Mend: e.host.RaiseLimit("nproc", "LimitNPROC=", leastProcesses*16)})
	}
	total, known := e.host.Sysctl("kernel.pid_max")
	if threads, ok := e.host.Sysctl("kernel.threads-max"); ok && threads < total {
		total = threads
	}
	used := e.host.Tasks()
	switch {
	case !known:
		return fine("not bounded by what shows here")
	case total-used < leastProcesses:
		return weaker(host.Trouble{What: fmt.Sprintf("%d of %d on this machine are in use", used, total), Mend: e.host.RaisePIDs()})
	}
	return fine("%d of %d on this machine are in use", used, total)
}

func (e *evidence) namespaceLimits() finding {
	least, which := math.MaxInt, ""
	var low []string
	for _, name := range host.NamespaceLimits {
		n, known := e.host.Sysctl(name)
		if !known {
			continue
		}
		if n < leastNamespaces {
			low = append(low, name)
		}
		if n < least {
			least, which = n, name
		}
	}
	switch {
	case which == "":
		return fine("not bounded by what shows here")
	case least >= 1<<30:
		return fine("none in this user namespace; an outer one's do not show")
	case low == nil:
		return fine("%d at least, enough for %d models at a time", least, least/2)
	}
	t := host.Trouble{What: fmt.Sprintf("%s is %d, enough for %d models at a time", which, least, least/2), Mend: e.host.RaiseNamespaces(low...)}
	if least < 2 {
		return finding{status: Missing, found: t.What, mend: t.Mend}
	}
	return weaker(t)
}

// count words a resource limit.
func count(n uint64) string {
	if n == math.MaxUint64 {
		return "any number"
	}
	return strconv.FormatUint(n, 10)
}
