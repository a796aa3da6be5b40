package main

import (
	"fmt"
	"os"
	"strings"
)

// table is what a benchmark found: rows of times, in microseconds, and lines
// of text behind them.
type table struct {
	rows  []row
	notes []string
}

type row struct {
	name     string
	times    sample
	isolates string
}

func (t *table) add(name string, times sample, isolates string) {
	t.rows = append(t.rows, row{name, times, isolates})
	fmt.Fprintf(os.Stderr, "%s: %s us\n", name, times.text("%.0f"))
}

func (t *table) note(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	t.notes = append(t.notes, line)
	fmt.Fprintln(os.Stderr, line)
}

func (t *table) print() {
	fmt.Printf("| %-46s | %9s | %9s | %9s | isolates |\n|%s|%s|%s|%s|---|\n", "launch to first result, us", "min", "p50", "p99",
		strings.Repeat("-", 48), strings.Repeat("-", 10)+":", strings.Repeat("-", 10)+":", strings.Repeat("-", 10)+":")
	for _, r := range t.rows {
		fmt.Printf("| %-46s | %9.0f | %9.0f | %9.0f | %s |\n", r.name, r.times.min(), r.times.median(), r.times.quantile(0.99), r.isolates)
	}
	fmt.Println()
	for _, line := range t.notes {
		fmt.Println(line)
	}
}
