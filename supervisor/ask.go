package supervisor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"hotcell/syscallpolicy"
)

// Asker is the host application's answer to an operation that a rule says to
// ask about: its own code, or a person. It runs in the supervisor's process.
// Answers of Allow, Deny, Kill and Virtual count; any other denies, and so
// does one that comes after the context has ended. Always makes the answer
// hold for equal operations of the same run.
type Asker func(ctx context.Context, operation syscallpolicy.Operation) (decision syscallpolicy.Decision, always bool)

// Bounds of asking. The model's wall clock stands still meanwhile, so the sum
// is what a model can hold its sandbox's memory beyond its time.
const (
	askTimeout = time.Minute
	askTotal   = 10 * time.Minute
	drainLimit = 5 * time.Second // for what the model printed before
)

// asking is one run's questions to the host: one at a time.
type asking struct {
	ask   Asker
	mu    sync.Mutex
	spent time.Duration
	known map[question]syscallpolicy.Decision
}

// question is what makes two operations equal for "always".
type question struct {
	kind   syscallpolicy.Kind
	target string
	write  bool
}

// answered marks the rule of a decision that somebody made just now.
const answered = ", answered"

// maxKnown bounds the remembered answers.
const maxKnown = 1000

// decide asks the host, with the sandbox frozen and its clock stopped.
func (m *Model) ask(operation syscallpolicy.Operation, rule string) syscallpolicy.Decision {
	a := &m.asking
	denied := func(why string) syscallpolicy.Decision {
		return syscallpolicy.Decision{Rule: rule + ", " + why}
	}
	if a.ask == nil {
		return denied("and nobody to ask")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	q := question{operation.Kind, operation.Target, operation.Write}
	if known, ok := a.known[q]; ok {
		return known
	}
	left := min(askTimeout, askTotal-a.spent)
	if left <= 0 {
		return denied(fmt.Sprintf("and all %v for questions are spent", askTotal))
	}
	m.notifier.rest()
	if err := m.group.Freeze(context.Background()); err != nil {
		return denied("and the sandbox cannot be frozen to wait")
	}
	m.clock.pause()
	asked := time.Now()
	var decision syscallpolicy.Decision
	var always, ok bool
	if m.logs.drain(drainLimit) {
		decision, always, ok = m.question(operation, left)
	}
	a.spent += time.Since(asked)
	m.clock.resume()
	if err := m.group.Thaw(); err != nil {
		m.end(internalError("thaw sandbox after a question: %v", err))
	}
	if !ok {
		return denied("and no answer came")
	}
	decision.Rule = rule + answered
	if always && len(a.known) < maxKnown {
		if a.known == nil {
			a.known = map[question]syscallpolicy.Decision{}
		}
		a.known[q] = decision
	}
	return decision
}

// question waits for the answer, the time's end or the model's.
func (m *Model) question(operation syscallpolicy.Operation, limit time.Duration) (d syscallpolicy.Decision, always, answered bool) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	type answer struct {
		decision syscallpolicy.Decision
		always   bool
	}
	answers := make(chan answer, 1)
	go func() {
		d, always := m.asking.ask(ctx, operation)
		answers <- answer{d, always}
	}()
	select {
	case got := <-answers:
		if ctx.Err() != nil || got.decision.Effect == syscallpolicy.Ask {
			return d, false, false
		}
		return got.decision, got.always, true
	case <-ctx.Done():
	case <-m.ended:
	}
	return d, false, false
}
