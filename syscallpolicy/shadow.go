package syscallpolicy

import (
	"fmt"
	"strings"
)

// neverMatches says why the last of the rules can never answer: earlier ones
// match whatever it matches. It tells the clear cases only, and looks at
// rules of one author: that a command line overrides a file is what it is for.
func neverMatches(rules []compiled) string {
	last := len(rules) - 1
	c := &rules[last]
	by := -1
	for _, k := range c.Kinds.Kinds() {
		for _, write := range []bool{false, true} {
			q := &question{Operation: Operation{Kind: k, Write: write, Syscall: "any"}}
			if !c.concerns(q) || write && !c.Write {
				continue // what is left of a refusal is not what it was written for
			}
			i := covering(rules[:last], c, q)
			if i < 0 {
				return ""
			}
			by = max(by, i)
		}
	}
	return fmt.Sprintf("this rule can never match, because %s answers all of it before; move it up or take it out", rules[by].Origin)
}

// covering finds a rule that answers q on whatever target c matches.
func covering(rules []compiled, c *compiled, q *question) int {
	for i := range rules {
		r := &rules[i]
		allowing := r.Effect.allowing()
		if !r.concerns(q) || !r.subject.covers(c.subject, allowing && namingKinds.Has(q.Kind)) {
			continue
		}
		if allowing && !literalPath(r.subject) && inProc(c.subject) {
			continue
		}
		return i
	}
	return -1
}

func literalPath(s subject) bool {
	p, ok := s.(paths)
	return ok && p.real.literal != ""
}

func inProc(s subject) bool {
	p, ok := s.(paths)
	return ok && (underProc(p.real.static) || p.real.literal == "/proc")
}

// neverAsked says why a rule that refuses an import is never asked: imports
// below an allowed module raise no operation.
func (p Policy) neverAsked(c compiled) string {
	if !c.Kinds.Has(KindImport) || c.Effect.allowing() || c.Target == "" {
		return ""
	}
	parts := strings.Split(c.Target, ".")
	for i := 1; i < len(parts); i++ {
		parent := strings.Join(parts[:i], ".")
		if !strings.ContainsAny(parent, special) && p.Decide(Operation{Kind: KindImport, Target: parent}).Effect == Allow {
			return fmt.Sprintf("this rule is never asked, because the model may import %s with all below it; "+
				"refuse %s, or what the module tries to do", parent, parent)
		}
	}
	return ""
}
