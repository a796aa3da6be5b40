package supervisor

import (
	"testing"
	"time"
)

// A settlement every so often, for a second: what a sandbox gets beside what
// it would take without waiting.
func TestBudget(t *testing.T) {
	for name, c := range map[string]struct {
		rate    float64
		threads float64 // processors that its own threads take while it waits for nothing
		work    float64 // and the supervisor for it
		most    float64 // of both, at the end
	}{
		"one thread, one operation after the other": {rate: 1, threads: 0.4, work: 0.6, most: 1},
		"two threads, one flooding":                 {rate: 1, threads: 1, work: 0.6, most: 1.2},
		"a tenth of a processor":                    {rate: 0.1, threads: 0.1, work: 1, most: 0.2},
		"two processors":                            {rate: 2, threads: 1, work: 1, most: 2},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Unix(0, 0)
			used := time.Duration(0)
			b := budget{rate: c.rate, used: func() (time.Duration, error) { return used, nil }, last: now}
			const step = 5 * time.Millisecond
			work, waited := time.Duration(0), time.Duration(0)
			for now.Before(time.Unix(1, 0)) {
				now = now.Add(step)
				done := time.Duration(c.work * float64(step))
				used += time.Duration(c.threads * float64(step))
				work += done
				wait := b.charge(done, now)
				now = now.Add(wait)
				waited += wait
				// Threads that make no operation go on meanwhile.
				used += time.Duration(max(0, c.threads-0.4) * float64(wait))
			}
			got := (work + used).Seconds() / now.Sub(time.Unix(0, 0)).Seconds()
			if got > c.most {
				t.Errorf("takes %.2f processors of %g, at most %g", got, c.rate, c.most)
			}
			if c.work+c.threads <= c.rate && waited > 0 {
				t.Errorf("waits %v within its share", waited)
			}
			if c.work+c.threads > c.rate*budgetOver && waited == 0 {
				t.Error("never waits")
			}
		})
	}
}

func TestBudgetOfADeadGroup(t *testing.T) {
	b := budget{rate: 1, used: func() (time.Duration, error) { return 0, errSandboxGone }}
	if wait := b.charge(time.Hour, time.Now()); wait != 0 {
		t.Errorf("waits %v for a sandbox that is gone", wait)
	}
}
