package syscallpolicy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// indispensable are calls of the filter's list without which no interpreter
// gets as far as the model: a policy that refuses one refuses to run.
var indispensable = []string{
	"read", "write", "close", "mmap", "munmap", "mprotect", "brk", "futex", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
	"restart_syscall", "exit", "exit_group", "recvmsg", "sendto", "rseq",
}

// alternatives are the tests under which the filter allows each call; the
// shape that allows most counts. What lies in a shape's grants is left out:
// it narrows further.
func alternatives() map[string][][]test {
	all := map[string][][]test{"mremap": {{hasOnly(3, unix.MREMAP_MAYMOVE)}}}
	for _, name := range allowed {
		all[name] = [][]test{nil}
	}
	for _, c := range (Shape{ExecMappings: true, Threads: true}).conditions() {
		all[c.call] = append(all[c.call], c.anyOf...)
	}
	return all
}

// take finds what the filter must no longer allow by itself. conditional are
// those calls of which the table means some arguments only, which the filter
// cannot tell from the others.
func (p *profile) take() (conditional []string, err error) {
	all := alternatives()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if p.leaves(name, all[name]) {
			continue
		}
		if slices.Contains(indispensable, name) {
			return nil, fmt.Errorf("it does not allow %s, without which no interpreter runs; allow it in the profile", name)
		}
		p.taken = append(p.taken, name)
		if p.partly(name) {
			conditional = append(conditional, name)
		}
	}
	// The filter refuses these itself, which is as good as any refusal.
	for _, r := range Refusals() {
		entries := p.byCall[r.Call]
		if !slices.ContainsFunc(entries, func(e profileEntry) bool { return len(e.when) == 0 }) {
			entries = append(slices.Clip(entries), p.rest)
		}
		if slices.ContainsFunc(entries, func(e profileEntry) bool { return e.action == profileKill || e.action == profileNotify }) {
			p.taken = append(p.taken, r.Call)
		}
	}
	slices.Sort(p.taken)
	p.taken = slices.Compact(p.taken)
	return conditional, nil
}

// leaves tells whether the table allows whatever the filter allows of a call.
func (p *profile) leaves(name string, anyOf [][]test) bool {
	for _, ours := range anyOf {
		allowed := p.rest.action == profileAllow
		for _, e := range p.byCall[name] {
			if e.action == profileAllow {
				allowed = allowed || e.impliedBy(ours)
			} else if !e.excludedBy(ours) {
				return false
			}
		}
		if !allowed {
			return false
		}
	}
	return true
}

// partly tells whether the table allows a call for some arguments.
func (p *profile) partly(name string) bool {
	return slices.ContainsFunc(p.byCall[name], func(e profileEntry) bool { return e.action == profileAllow }) ||
		p.rest.action == profileAllow && !slices.ContainsFunc(p.byCall[name], func(e profileEntry) bool { return len(e.when) == 0 })
}

// impliedBy: whenever the tests hold, the entry matches.
func (e profileEntry) impliedBy(tests []test) bool {
	for _, c := range e.when {
		if !implies(testOn(tests, c.Index), c) {
			return false
		}
	}
	return true
}

// excludedBy: whenever the tests hold, the entry does not match.
func (e profileEntry) excludedBy(tests []test) bool {
	return slices.ContainsFunc(e.when, func(c specs.LinuxSeccompArg) bool { return excludes(testOn(tests, c.Index), c) })
}

// testOn gives the test on one argument, or one that always holds.
func testOn(tests []test, arg uint) test {
	for _, t := range tests {
		if t.arg == arg {
			return t
		}
	}
	return test{arg: arg}
}

// implies: every value that passes t passes c.
func implies(t test, c specs.LinuxSeccompArg) bool {
	least, most := t.bounds()
	switch c.Op {
	case specs.OpEqualTo:
		return least == most && least == c.Value
	case specs.OpNotEqual:
		return excludes(t, specs.LinuxSeccompArg{Op: specs.OpEqualTo, Value: c.Value})
	case specs.OpMaskedEqual:
		return !t.below && c.Value&^t.mask == 0 && t.want&c.Value == c.ValueTwo
	case specs.OpLessThan:
		return most < c.Value
	case specs.OpLessEqual:
		return most <= c.Value
	case specs.OpGreaterEqual:
		return least >= c.Value
	}
	return least > c.Value
}

// excludes: no value that passes t passes c.
func excludes(t test, c specs.LinuxSeccompArg) bool {
	least, most := t.bounds()
	switch c.Op {
	case specs.OpEqualTo:
		if t.below {
			return c.Value > most
		}
		return c.Value&t.mask != t.want
	case specs.OpNotEqual:
		return least == most && least == c.Value
	case specs.OpMaskedEqual:
		return c.ValueTwo&^c.Value != 0 || !t.below && (t.want^c.ValueTwo)&t.mask&c.Value != 0
	case specs.OpLessThan:
		return least >= c.Value
	case specs.OpLessEqual:
		return least > c.Value
	case specs.OpGreaterEqual:
		return most < c.Value
	}
	return most <= c.Value
}

// bounds gives the least and the greatest value that pass t.
func (t test) bounds() (least, most uint64) {
	if t.below {
		return 0, t.want - 1
	}
	return t.want, t.want | ^t.mask
}

// asked gives the names for Shape.Asked.
func (p Policy) asked() string {
	var names []string
	if p.profile != nil {
		names = append(names, p.profile.taken...)
	}
	for _, c := range p.rules {
		if name, ok := c.subject.(callName); ok && answeredAlways(string(name)) {
			names = append(names, string(name))
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}

// answeredAlways tells whether the filter answers a call whatever its
// arguments are, so that a rule on it would never be asked.
func answeredAlways(name string) bool {
	return slices.Contains(allowed, name) ||
		slices.ContainsFunc(Refusals(), func(r Refusal) bool { return r.Call == name && r.Value == "" })
}

// checkAsked refuses names that the filter does not know what to do about.
func (s Shape) checkAsked() error {
	names := strings.Fields(s.Asked)
	if strings.Join(names, " ") != s.Asked || !slices.IsSorted(names) {
		return fmt.Errorf("calls to ask about %q: not sorted, or not parted by a blank each", s.Asked)
	}
	for _, name := range names {
		if slices.Contains(indispensable, name) {
			return fmt.Errorf("calls to ask about: no interpreter runs without %s", name)
		}
	}
	return nil
}

// asks tells whether the filter asks about a call that it would answer.
func (s Shape) asks(name string) bool {
	return s.Asked != "" && slices.Contains(strings.Fields(s.Asked), name)
}

// checkCall refuses rules on system calls that are none, or cannot be had.
func checkCall(name string) error {
	if _, err := number(name); err != nil && !errors.Is(err, errNotHere) {
		return fmt.Errorf("there is no system call %q; see man 2 syscalls", name)
	}
	if slices.Contains(indispensable, name) && slices.Contains(allowed, name) {
		return fmt.Errorf("no interpreter runs without %s; take the rule out", name)
	}
	return nil
}
