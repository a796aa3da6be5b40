package syscallpolicy

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Rule answers the operations of some kinds on some targets. It lives in the
// supervisor (parent) and becomes part of a Policy, which checks it.
type Rule struct {
	Kinds KindSet

	// Target is what the rule is about: a pattern for paths or modules, a
	// host and a port, the name of a function or of a system call, as the
	// kinds' Subject says. Empty means every target.
	//
	// "/a/**" is /a with all below it, a module is that with all below it.
	// KindSyscall with a name is that call, whatever kind of operation it
	// makes; what the filter allows by argument values stays allowed.
	Target string

	// Write lets an allowing rule for KindOpen or KindList speak of operations
	// that change their target too. A refusing rule speaks of both, or with
	// Write of changes only.
	Write bool

	Effect  Effect
	Errno   unix.Errno // of Deny; 0 is EPERM
	Content string     // of Virtual

	// Origin says where the rule was written, for reports: "policy.toml:12".
	Origin string
}

// layer is who wrote a rule: a command line overrides a file, which overrides
// the preset that it builds on.
type layer uint8

const (
	fromFlags layer = iota
	fromFile
	fromPreset
)

// compiled is a rule that was checked.
type compiled struct {
	Rule
	layer   layer
	subject subject
	root    bool // it grants a directory, which its subject names
	line    int  // of the policy file
}

// allowing tells the effects that can let an operation happen.
func (e Effect) allowing() bool { return e == Allow || e == Virtual || e == Ask }

// compile checks r. look may be nil; otherwise paths that r grants must be
// there.
func (r Rule) compile(from layer, look Lookup) (compiled, error) {
	c := compiled{Rule: r, layer: from, subject: anything{}}
	if err := r.checkWords(); err != nil {
		return c, err
	}
	// What may be opened can be looked at through its descriptor anyway.
	if r.Kinds.Has(KindOpen) && (r.Effect == Allow || r.Effect == Virtual) {
		c.Kinds |= KindsOf(KindStat)
	}
	c.root = r.Effect == Allow || r.Effect == Ask
	if r.Target == "" {
		return c, nil
	}
	var err error
	switch r.Kinds.Kinds()[0].Subject() {
	case "path":
		var p paths
		if p, err = newPaths(r.Target, look); err == nil && c.root {
			err = r.checkGranted(p, look)
		}
		c.subject = p
	case "address":
		var a address
		if a, err = newAddress(r.Target); err == nil && r.Effect == Allow {
			err = a.exact()
		}
		c.subject = a
	case "syscall":
		c.subject, err = callName(r.Target), checkCall(r.Target)
	default:
		c.subject, err = newNames(r.Target)
	}
	return c, err
}

// checkWords refuses what makes no sense whatever the target is.
func (r Rule) checkWords() error {
	kinds := r.Kinds.Kinds()
	if len(kinds) == 0 {
		return errors.New("the rule names no kind of operation")
	}
	for _, k := range kinds {
		if a, b := k.Subject(), kinds[0].Subject(); a != b {
			return fmt.Errorf("%v and %v have different targets; write a rule for each", kinds[0], k)
		}
		if why := k.impossible(); why != "" && r.Effect.allowing() {
			return fmt.Errorf("decision %q cannot be performed for %v: %s", r.Effect, k, why)
		}
	}
	switch subject := kinds[0].Subject(); {
	case r.Effect >= effectEnd:
		return fmt.Errorf("%v is no decision", r.Effect)
	case r.Target != "" && subject == "":
		return fmt.Errorf("%v has no target that a rule could name", kinds[0])
	case r.Target == "" && r.Effect == Allow:
		return fmt.Errorf(`an allow must name its %s (for paths, "/**" is everything)`, subject)
	case r.Errno != 0 && r.Effect != Deny:
		return errors.New("errno belongs to a deny")
	case r.Effect == Virtual && (r.Kinds&^KindsOf(KindOpen, KindStat) != 0 || r.Target == "" || r.Write):
		return errors.New("virtual content answers open and stat of a path, for reading")
	case r.Content != "" && r.Effect != Virtual:
		return errors.New(`content belongs to the decision "virtual"`)
	case r.Write && r.Kinds&KindsOf(KindOpen, KindList) == 0:
		return fmt.Errorf("write says nothing for %v; leave it out", r.Kinds)
	}
	return r.checkModule()
}

// checkModule: modules are loaded before the model's first line, by name.
func (r Rule) checkModule() error {
	switch {
	case !r.Kinds.Has(KindImport):
	case r.Effect == Ask:
		return errors.New("modules are loaded before the model runs, when nobody can be asked; allow or deny the import")
	case r.Effect == Allow && strings.ContainsAny(r.Target, special):
		return fmt.Errorf("modules are loaded before the model runs and so by name; write the name of each instead of %q", r.Target)
	}
	return nil
}

// decide answers q if the rule speaks of it.
func (c *compiled) decide(q *question) (Decision, bool) {
	if !c.concerns(q) {
		return Decision{}, false
	}
	at, ok := c.subject.match(q, c.Effect.allowing())
	if !ok {
		return Decision{}, false
	}
	d := Decision{Effect: c.Effect, Errno: c.Errno, Rule: c.Origin, Content: c.Content}
	if c.root {
		d.Root, d.Below = at.root, at.below
	}
	return d, true
}

// concerns tells whether the rule speaks of q's kind and of what it does.
func (c *compiled) concerns(q *question) bool {
	if !c.Kinds.Has(q.Kind) {
		// A call by name, whatever it does.
		_, byName := c.subject.(callName)
		return byName && q.Syscall != ""
	}
	if namingKinds.Has(q.Kind) {
		return true
	}
	if c.Effect.allowing() {
		return c.Write || !q.Write
	}
	return q.Write || !c.Write
}

func (r Rule) String() string {
	s := r.Effect.String()
	if r.Effect == Deny && r.Errno != 0 {
		s += " with " + unix.ErrnoName(r.Errno)
	}
	s += " " + r.Kinds.String()
	if r.Write && r.Effect.allowing() {
		s += " for writing too"
	} else if r.Write {
		s += " for writing"
	}
	if r.Target != "" {
		s += fmt.Sprintf(" %+q", r.Target)
	}
	if r.Effect == Virtual {
		s += fmt.Sprintf(" of %d bytes", len(r.Content))
	}
	return s + " (" + r.Origin + ")"
}
