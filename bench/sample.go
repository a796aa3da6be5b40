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

func (s sample) times(factor float64) string {
	scaled := make(sample, len(s))
	for i, v := range s {
		scaled[i] = v * factor
	}
	return scaled.text("%.1f")
}

// text gives the median, then the smallest value and the quartiles.
func (s sample) text(format string) string {
	return fmt.Sprintf("median "+format+"  (min "+format+", quartiles "+format+" to "+format+")",
		s.quantile(0.5), s.quantile(0), s.quantile(0.25), s.quantile(0.75))
}
