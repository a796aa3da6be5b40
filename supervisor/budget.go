package supervisor

import "time"

// budget is a sandbox's share of the processors where its operations are
// concerned. A flooder is answered more slowly: what its threads and the
// supervisor's work for them take together stays within the processors that it
// was given, so that its siblings lose nothing to it.
//
// A model that makes one operation after the other from one thread never
// notices: it waits while it is answered, so both together use one processor.
type budget struct {
	rate float64                       // processors
	used func() (time.Duration, error) // the sandbox's own CPU time

	last     time.Time     // of the settlement before
	lastUsed time.Duration // used then
	work     time.Duration // the supervisor's since then
	debt     time.Duration // what was taken too much, below 0 what is left
}

const (
	// budgetOver is what a sandbox may take beyond its share: handing over
	// between two processors counts on both.
	budgetOver = 1.1
	// budgetEvery is the work after which the budget is settled: reading the
	// control group's clock costs microseconds.
	budgetEvery = 2 * time.Millisecond
	budgetSaved = 50 * time.Millisecond // share unused before that still counts
	longestWait = 200 * time.Millisecond
	slowCost    = 20 * time.Microsecond // charged for a call served apart
)

// charge takes work that was done for the sandbox and gives how long to wait
// before the next.
func (b *budget) charge(work time.Duration, now time.Time) time.Duration {
	b.work += work
	if b.work < budgetEvery {
		return 0
	}
	used, err := b.used()
	if err != nil {
		return 0 // the group is gone, the sandbox with it
	}
	return b.settle(used, now)
}

func (b *budget) settle(used time.Duration, now time.Time) time.Duration {
	share := time.Duration(b.rate * budgetOver * float64(now.Sub(b.last)))
	b.debt = max(b.debt+b.work+used-b.lastUsed-share, -budgetSaved)
	b.last, b.lastUsed, b.work = now, used, 0
	if b.debt <= 0 {
		return 0
	}
	return min(time.Duration(float64(b.debt)/(b.rate*budgetOver)), longestWait)
}
