package syscallpolicy

import (
	"fmt"
	"strings"
)

// String is one line about p, for logs.
func (p Policy) String() string {
	if p.preset == "" && len(p.rules) == 0 {
		return "deny everything"
	}
	s := fmt.Sprintf("preset %s, %d modules, %d rules", p.preset, len(p.Modules()), len(p.ruleLines()))
	if name := p.profile.title(); name != "" {
		s += ", profile " + name
	}
	return s
}

// Dump is the whole of p in words: what "hotcell policy show" prints. Text of
// rules is quoted, so nothing in it can reach a terminal as a control.
func (p Policy) Dump() string {
	var b strings.Builder
	fmt.Fprintf(&b, "preset: %s\n\nlimits:\n", p.preset)
	for _, name := range LimitNames() {
		fmt.Fprintf(&b, "  %-15s %s\n", name, p.limits.Text(name))
	}
	b.WriteString("\nmodules, each with all below it:\n")
	wrap(&b, p.Modules())
	b.WriteString("\nrules, of which the first that matches decides:\n")
	for _, line := range p.ruleLines() {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	b.WriteString("  deny with EPERM everything else (" + byDefault + ")\n")
	if roots := p.Roots(); len(roots) > 0 {
		b.WriteString("\ndirectories below which files can be opened:\n")
		for _, root := range roots {
			fmt.Fprintf(&b, "  %+q\n", root)
		}
	}
	p.dumpFilter(&b)
	if len(p.warnings) > 0 {
		b.WriteString("\nwarnings:\n")
		for _, w := range p.warnings {
			fmt.Fprintf(&b, "  %s\n", w)
		}
	}
	return b.String()
}

func (p Policy) dumpFilter(b *strings.Builder) {
	if name := p.profile.title(); name != "" {
		fmt.Fprintf(b, "\nprofile of system calls, asked before the rules: %+q\n", name)
	}
	if asked := p.asked(); asked != "" {
		b.WriteString("\nasked, though the filter could allow or refuse them by itself:\n")
		wrap(b, strings.Fields(asked))
	}
	if refused := filterRefusals(p.Shape(Shape{})); len(refused) > 0 {
		b.WriteString("\nrefused inside the filter, without a record:\n")
		for _, line := range refused {
			fmt.Fprintf(b, "  %s\n", line)
		}
	}
}

// ruleLines leaves out what the list of modules says already.
func (p Policy) ruleLines() []string {
	var lines []string
	for _, c := range p.rules {
		if !(c.Kinds.Has(KindImport) && c.Effect == Allow) {
			lines = append(lines, c.String())
		}
	}
	return lines
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
