package syscallpolicy

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Dump says in words what the filter of this shape does with every call, for
// people who want to know what escapes the record.
func (s Shape) Dump() string {
	var b strings.Builder
	fmt.Fprintf(&b, "shape: %v\n", s)
	b.WriteString("\nforeign architectures and x32: kill\n")
	b.WriteString("\nallowed:\n")
	wrap(&b, slices.DeleteFunc(slices.Clone(allowed), s.asks))
	b.WriteString("\nallowed by the values of arguments, otherwise asked:\n")
	for _, c := range s.conditions() {
		if !s.asks(c.call) {
			fmt.Fprintf(&b, "  %-12s %s\n", c.call, c.words)
		}
	}
	b.WriteString("\nrefused in the filter, without a record:\n")
	for _, line := range filterRefusals(s) {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	b.WriteString("\nall other calls: asked\n")
	return b.String()
}

// filterRefusals gives what a filter of this shape refuses by itself.
func filterRefusals(s Shape) []string {
	var lines []string
	for _, r := range Refusals() {
		if !s.asks(r.Call) {
			lines = append(lines, fmt.Sprintf("%-19s %-8s %s", strings.TrimSpace(r.Call+" "+r.Value), unix.ErrnoName(r.Errno), r.Why))
		}
	}
	return lines
}
