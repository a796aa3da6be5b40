package syscallpolicy

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
)

// Policy says what one sandbox may do. It is a value: nothing changes it, and
// the With methods give another one. It is made and asked in the supervisor
// (parent) only; the sandbox never sees it. The zero value denies everything.
type Policy struct {
	preset   string
	limits   Limits
	rules    []compiled // by layer; the first that matches decides
	byKind   *ruleIndex // of rules
	grants   *grants    // of rules, found when they are first wanted
	profile  *profile   // never changed once made
	warnings []string
}

// ruleIndex has the rules that can speak of each kind, so that a flood of
// refused opens does not pass the long list of modules each time.
type ruleIndex [kindEnd][]*compiled

// withRules gives p with these rules in the place of its own.
func (p Policy) withRules(rules []compiled) Policy {
	p.rules, p.byKind, p.grants = slices.Clip(rules), new(ruleIndex), new(grants)
	for i := range p.rules {
		c := &p.rules[i]
		_, byName := c.subject.(callName)
		for k := range kindEnd {
			if byName || c.Kinds.Has(k) {
				p.byKind[k] = append(p.byKind[k], c)
			}
		}
	}
	return p
}

// byDefault is the rule that refuses when no other speaks.
const byDefault = "default"

// Decide answers one operation. It depends on nothing but p and op.
//
// The target of a path is absolute and clean, and the caller has resolved
// what the sandbox wrote; where an allowed operation arrives at another path,
// it asks again for that one. The profile is asked first, as it is a wall and
// no rule opens it; then the first rule that matches decides.
func (p Policy) Decide(op Operation) Decision {
	if d, ok := p.profile.decide(op); ok {
		return d
	}
	if p.byKind == nil || op.Kind >= kindEnd {
		return Decision{Rule: byDefault}
	}
	q := newQuestion(&op)
	defer q.answered()
	for _, c := range p.byKind[op.Kind] {
		if d, ok := c.decide(q); ok {
			return d
		}
	}
	return Decision{Rule: byDefault}
}

// Limits gives the limits of a run.
func (p Policy) Limits() Limits { return p.limits }

// Preset is the name of the preset that p builds on.
func (p Policy) Preset() string { return p.preset }

// Warnings are what p could not be true to, a line each.
func (p Policy) Warnings() []string { return slices.Clone(p.warnings) }

// Rules gives the rules in the order in which they are asked.
func (p Policy) Rules() []Rule {
	return rulesOf(p.rules)
}

func rulesOf(list []compiled) []Rule {
	var rules []Rule
	for _, c := range list {
		rules = append(rules, c.Rule)
	}
	return rules
}

// Modules gives what the model may import, each with all below it, sorted.
func (p Policy) Modules() []string {
	if p.grants == nil {
		return nil
	}
	p.grants.once.Do(func() { p.grants.modules = p.granted(KindImport, func(compiled) bool { return true }) })
	return slices.Clone(p.grants.modules)
}

// grants keep what is asked for at each launch and takes a look at all rules
// for each of many.
type grants struct {
	once    sync.Once
	modules []string
}

// Required gives those modules that somebody asked for by name.
func (p Policy) Required() []string {
	return p.granted(KindImport, func(c compiled) bool { return c.layer != fromPreset })
}

// Connections gives the addresses that the model may connect to, sorted.
func (p Policy) Connections() []string {
	return p.granted(KindConnect, func(compiled) bool { return true })
}

// granted gives the targets that rules allow by name and no earlier rule
// refuses.
func (p Policy) granted(k Kind, use func(compiled) bool) []string {
	var list []string
	for _, c := range p.rules {
		if c.Kinds.Has(k) && c.Effect == Allow && use(c) && p.Decide(Operation{Kind: k, Target: c.Target}).Effect == Allow {
			list = append(list, c.Target)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Roots gives the directories below which operations can be allowed, sorted:
// every Root of a Decision is one of them.
func (p Policy) Roots() []string {
	var list []string
	for _, c := range p.rules {
		if !c.root || c.Kinds&pathKinds == 0 {
			continue
		}
		if s, ok := c.subject.(paths); ok {
			list = append(list, s.real.static)
		} else {
			list = append(list, "/")
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Shape gives base with the calls that the filter must ask about, though it
// could allow them, because p refuses them or has them on record.
func (p Policy) Shape(base Shape) Shape {
	base.Asked = p.asked()
	return base
}

// WithLimits gives p with other limits.
func (p Policy) WithLimits(l Limits) (Policy, error) {
	if err := l.Check(); err != nil {
		return p, err
	}
	p.limits = l
	return p, nil
}

// WithRules gives p with rules that come before all others, in their order.
// look may be nil; otherwise the paths that they grant must be there.
func (p Policy) WithRules(look Lookup, rules ...Rule) (Policy, error) {
	var list []compiled
	for _, r := range rules {
		c, err := r.compile(fromFlags, look)
		if err != nil {
			return p, fmt.Errorf("%s: %w", r.Origin, err)
		}
		list = append(list, c)
	}
	return p.withRules(append(list, p.rules...)), nil
}

// WithRead lets the model open for reading, list and look at a file, or a
// directory with all below it. It comes before all other rules.
func (p Policy) WithRead(name string, look Lookup) (Policy, error) {
	return p.withPath("read", name, false, look)
}

// WithWrite is WithRead, and lets the model also change, make, remove and
// rename that file, or what is below that directory.
func (p Policy) WithWrite(name string, look Lookup) (Policy, error) {
	return p.withPath("write", name, true, look)
}

func (p Policy) withPath(flag, name string, write bool, look Lookup) (Policy, error) {
	if !path.IsAbs(name) {
		return p, fmt.Errorf("--%s %s: the path is relative", flag, name)
	}
	r, err := pathRules(flag, path.Clean(name), write, look)
	if err != nil {
		return p, fmt.Errorf("--%s: %w", flag, err)
	}
	return p.WithRules(look, r)
}

// WithModules lets the model import more modules, each with all below it.
func (p Policy) WithModules(origin string, names ...string) (Policy, error) {
	rules, err := moduleRules(origin, names)
	if err != nil {
		return p, fmt.Errorf("%s: %w", origin, err)
	}
	return p.WithRules(nil, rules...)
}

// ReplaceModules lets the model import these modules and no others; what
// rules refuse stays refused.
func (p Policy) ReplaceModules(origin string, names ...string) (Policy, error) {
	p = p.withRules(slices.DeleteFunc(slices.Clone(p.rules), func(c compiled) bool {
		return c.Kinds.Has(KindImport) && c.Effect == Allow
	}))
	return p.WithModules(origin, names...)
}

// WithAsk asks the host application or a person about whatever no rule
// answers and can be carried out.
func (p Policy) WithAsk() Policy {
	r := Rule{Kinds: pathKinds | KindsOf(KindConnect, KindCall), Write: true, Effect: Ask, Origin: "--ask"}
	return p.withRules(append(slices.Clip(p.rules), compiled{Rule: r, layer: fromPreset, subject: anything{}, root: true}))
}

func moduleRules(origin string, names []string) ([]Rule, error) {
	var rules []Rule
	for _, name := range names {
		if name == "" {
			return nil, errors.New("a module's name is empty; write a dotted name like scipy.signal")
		}
		if _, err := newNames(name); err != nil || strings.ContainsAny(name, special) {
			return nil, fmt.Errorf("%q is no module; write a dotted name like scipy.signal", name)
		}
		rules = append(rules, Rule{Kinds: KindsOf(KindImport), Target: name, Effect: Allow, Origin: origin})
	}
	return rules, nil
}
