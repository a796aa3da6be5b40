package syscallpolicy

import (
	"strings"
)

// ruleKeys are the keys of [[operation]]. A target has the key that its kind
// calls it by, so that a file reads as what it means.
var ruleKeys = []string{
	"kind", "decision", "write", "errno", "content", "bytes", "path", "module", "address", "function", "syscall",
}

// targetKeys are those of them that name a target.
var targetKeys = ruleKeys[6:]

// operations reads [[operation]]; before are the rules that come first.
func (r *reader) operations(root *tomlTable, before []compiled) []compiled {
	list := before
	tables := r.tables(root, "operation")
	if len(tables) > maxRules {
		r.fail(tables[maxRules].line, "more than %d rules; patterns say it shorter", maxRules)
		return nil
	}
	for _, t := range tables {
		mistakes := len(r.errs)
		rule := r.rule(t)
		if len(r.errs) == mistakes {
			list = r.add(list, rule, t.line, r.ruleLine(t))
		}
	}
	return list[len(before):]
}

// ruleLine is where a mistake in the rule's sense is told: at its target.
func (r *reader) ruleLine(t *tomlTable) int {
	for _, key := range targetKeys {
		if t.get(key) != nil {
			return t.lineOf(key)
		}
	}
	return t.line
}

func (r *reader) rule(t *tomlTable) Rule {
	r.known(t, "[[operation]]", ruleKeys...)
	rule := Rule{Origin: r.origin(t.line), Kinds: r.kinds(t)}
	if n := t.get("decision"); n == nil {
		r.fail(t.line, "[[operation]] has no decision; write decision = %q or another of %s", "deny", effectWords())
	} else if err := rule.Effect.UnmarshalText([]byte(r.text(n, "decision"))); err != nil {
		r.fail(n.line, "%v; write one of %s", err, effectWords())
	}
	if n := t.get("write"); n != nil {
		rule.Write = r.boolean(n, "write")
	}
	if n := t.get("errno"); n != nil {
		e, err := parseErrno(r.text(n, "errno"))
		if err != nil {
			r.fail(n.line, "%v", err)
		}
		rule.Errno = e
	}
	if rule.Effect == Virtual || t.get("content") != nil || t.get("bytes") != nil {
		rule.Content = r.content(t, "[[operation]]")
	}
	rule.Target = r.target(t, rule.Kinds)
	return rule
}

func (r *reader) kinds(t *tomlTable) KindSet {
	n := t.get("kind")
	if n == nil {
		r.fail(t.line, "[[operation]] has no kind; write kind = %q or another of %v", "open", allKinds)
		return 0
	}
	var set KindSet
	for _, n := range r.texts(n, "kind", `kind = "open" or kind = ["open", "list"]`) {
		k, err := ParseKind(n.value.(string))
		if err != nil {
			r.fail(n.line, "%v; write one of %v", err, allKinds)
			continue
		}
		set |= KindsOf(k)
	}
	if set == 0 && len(r.errs) == 0 {
		r.fail(n.line, "kind names nothing; write one of %v", allKinds)
	}
	return set
}

var allKinds = KindsOf(Kinds()...)

func effectWords() string { return strings.Join(effectNames[:], ", ") }

// target reads the one key that fits the kinds.
func (r *reader) target(t *tomlTable, kinds KindSet) string {
	var text string
	for _, key := range targetKeys {
		n := t.get(key)
		if n == nil {
			continue
		}
		for _, k := range kinds.Kinds() {
			if want := k.Subject(); want == "" {
				r.fail(n.line, "%v has no target; leave %s out", k, key)
			} else if want != key {
				r.fail(n.line, "%v has no %s; its target is a %s", k, key, want)
			}
		}
		if text = r.text(n, key); text == "" {
			r.fail(n.line, "%s is empty; leave it out if every %s is meant", key, key)
		}
	}
	return text
}
