package syscallpolicy

import (
	"fmt"
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
	wrap(&b, allowed)
	b.WriteString("\nallowed by the values of arguments, otherwise asked:\n")
	for _, c := range s.conditions() {
		fmt.Fprintf(&b, "  %-12s %s\n", c.call, c.words)
	}
	b.WriteString("\nrefused in the filter, without a record:\n")
	for _, r := range Refusals() {
		fmt.Fprintf(&b, "  %-19s %-7s %s\n", strings.TrimSpace(r.Call+" "+r.Value), unix.ErrnoName(r.Errno), r.Why)
	}
	b.WriteString("\nall other calls: asked\n")
	return b.String()
}

// wrap writes names in lines of at most 78 columns.
func wrap(b *strings.Builder, names []string) {
	line := " "
	for _, name := range names {
		if len(line)+1+len(name) > 78 {
			b.WriteString(line + "\n")
			line = " "
		}
		line += " " + name
	}
	b.WriteString(line + "\n")
}
