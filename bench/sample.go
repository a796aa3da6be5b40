package main

import (
	"fmt"
	"math"
	"slices"
)

// sample is a list of measurements.
type sample []float64

// quantile gives the value below which a share q of the sample lies.
func (s sample) quantile(q float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func (s sample) median() float64 { return s.quantile(0.5) }
func (s sample) min() float64    { return s.quantile(0) }

// scaled gives the sample in another unit.
func (s sample) scaled(factor float64) sample {
	scaled := make(sample, len(s))
	for i, v := range s {
		scaled[i] = v * factor
	}
	return scaled
}

// text gives the median, then the smallest value and the quartiles.
func (s sample) text(format string) string {
	return fmt.Sprintf("median "+format+"  (min "+format+", quartiles "+format+" to "+format+")",
		s.median(), s.min(), s.quantile(0.25), s.quantile(0.75))
}

// pair is one thing measured in two ways, round by round.
type pair struct {
	ours, theirs sample // of all rounds
	ratios       sample // of the medians of each round
}

// add takes what one round measured.
func (p *pair) add(ours, theirs sample) {
	p.ours, p.theirs = append(p.ours, ours...), append(p.theirs, theirs...)
	p.ratios = append(p.ratios, ours.median()/theirs.median())
}

// print shows both sides, scaled, and their ratio.
func (p *pair) print(what, ours, theirs string, factor float64, unit string) {
	fmt.Printf("  %s\n", what)
	fmt.Printf("    %-12s %s %s\n", ours, p.ours.scaled(factor).text("%.1f"), unit)
	fmt.Printf("    %-12s %s %s\n", theirs, p.theirs.scaled(factor).text("%.1f"), unit)
	fmt.Printf("    %-12s %s, smallest to smallest %.3f\n", "ratio", p.ratios.text("%.3f"), p.ours.min()/p.theirs.min())
}
