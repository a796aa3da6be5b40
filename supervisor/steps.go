package supervisor

import "time"

// LaunchStep is one part of a launch, and how long it took. The steps follow one
// another; together they are the launch.
type LaunchStep struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
}

// steps measure a launch. One goroutine launches.
type steps struct {
	last time.Time
	list []LaunchStep
}

func startSteps(now time.Time) steps { return steps{last: now, list: make([]LaunchStep, 0, 8)} }

// done ends a step.
func (s *steps) done(name string) {
	now := time.Now()
	s.list = append(s.list, LaunchStep{name, now.Sub(s.last).Seconds()})
	s.last = now
}
