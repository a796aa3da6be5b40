package doctor

import (
	"context"
	"fmt"

	"hotcell/supervisor/host"
)

// Status of a check. The set is closed.
type Status string

// The statuses, from the best to the worst.
const (
	OK      Status = "ok"
	Weaker  Status = "weaker"  // models run, and less holds them than could
	Missing Status = "missing" // no model is launched
)

// Check is one thing that a host has to have, and how this one does.
type Check struct {
	ID     string `json:"id"` // stable: programs may look for it
	Status Status `json:"status"`
	Found  string `json:"found"`
	Why    string `json:"why"` // it matters
	Mend   string `json:"mend,omitempty"`

	// After are the checks whose mend this one waits for.
	After []string `json:"after,omitempty"`
}

// Report is all checks, in an order in which one can be read after the other,
// and the worst of their statuses.
type Report struct {
	Overall Status  `json:"overall"`
	Checks  []Check `json:"checks"`
}

// Examine examines this host. It takes a second or less, and with everything
// hanging that it tries, as many times probeTime as there are things to try.
func Examine(ctx context.Context) Report {
	return judge(gather(ctx, host.This()))
}

// judge has every check look at the evidence.
func judge(e *evidence) Report {
	report := Report{Overall: OK}
	for _, c := range checks {
		f := c.judge(e)
		if f.status != OK {
			report.order(&f)
		}
		report.Checks = append(report.Checks, Check{c.id, f.status, f.found, c.why, f.mend, f.after})
		report.Overall = worse(report.Overall, f.status)
	}
	return report
}

// order lets a finding wait for those above it: for the one that has the same
// mend, or, without any mend of its own, for all that is missing.
func (r *Report) order(f *finding) {
	for _, c := range r.Checks {
		if c.Mend == f.mend && c.Mend != "" && c.Mend != noMend {
			f.mend, f.after = "", []string{c.ID}
		}
	}
	if f.mend == "" && f.after == nil {
		f.after = r.roots()
	}
	if f.mend == "" && f.after == nil {
		f.mend = noMend
	}
}

// roots are what is missing and waits for nothing else.
func (r *Report) roots() []string {
	var ids []string
	for _, c := range r.Checks {
		if c.Status == Missing && c.After == nil {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// noMend is for what no check has an explanation of.
const noMend = "none known; the kernel's log (dmesg) may say more"

func worse(a, b Status) Status {
	rank := map[Status]int{OK: 0, Weaker: 1, Missing: 2}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// finding is what a check came to.
type finding struct {
	status      Status
	found, mend string
	after       []string
}

func fine(format string, args ...any) finding {
	return finding{status: OK, found: fmt.Sprintf(format, args...)}
}

func weaker(t host.Trouble) finding { return finding{status: Weaker, found: t.What, mend: t.Mend} }

// missing is a trouble with its mend. Without one, it follows from what is
// missing above it.
func missing(t host.Trouble) finding { return finding{status: Missing, found: t.What, mend: t.Mend} }

// untried is for what could not be seen because something else is missing.
// Nothing counts as there that was not seen.
func untried(why, first string) finding {
	return finding{status: Missing, found: "not tried: " + why, after: []string{first}}
}
