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
		report.Checks = append(report.Checks, Check{ID: c.id, Status: f.status, Found: f.found, Why: c.why, Mend: f.mend})
		report.Overall = worse(report.Overall, f.status)
	}
	return report
}

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
}

func fine(format string, args ...any) finding { return finding{OK, fmt.Sprintf(format, args...), ""} }

func weaker(t host.Trouble) finding { return finding{Weaker, t.What, t.Mend} }

func missing(t host.Trouble) finding { return finding{Missing, t.What, t.Mend} }

// untried is for what could not be seen because something else is missing.
// Nothing counts as there that was not seen.
func untried(why, first string) finding {
	return finding{Missing, "not tried: " + why, "mend " + first + " first"}
}
