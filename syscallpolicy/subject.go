package syscallpolicy

import (
	"fmt"
	"path"
	"reflect"
	"strings"
	"sync"
)

// subject is what a rule is about: the compiled form of Rule.Target. It lives
// in the supervisor (parent) and looks at targets of the model's choosing. It
// only reads the operation, and where it is about paths it says where one is.
type subject interface {
	match(q *question, allowing bool) (place, bool)

	// covers tells clear cases of a subject that matches whatever another does;
	// below is what match takes for paths.
	covers(other subject, below bool) bool
}

// question is an operation as the rules look at it: every one of them is
// asked about every refused operation, which is what a flooder sends.
type question struct {
	Operation
	clean bool // the target is a clean absolute path
}

// questions are used again: a decision must not cost fresh memory, which a
// flooder would have the supervisor collect.
var questions = sync.Pool{New: func() any { return new(question) }}

func newQuestion(op *Operation) *question {
	q := questions.Get().(*question)
	q.Operation = *op
	q.clean = (pathKinds | KindsOf(KindExec)).Has(op.Kind) && cleanPath(op.Target)
	return q
}

// answered gives a question back. What was made of it must not hold on to it.
func (q *question) answered() {
	*q = question{}
	questions.Put(q)
}

// place is where an operation on a path is carried out.
type place struct{ root, below string }

// anything is a rule without a target.
type anything struct{}

func (anything) match(q *question, allowing bool) (place, bool) {
	if !pathKinds.Has(q.Kind) {
		return place{}, true
	}
	if !q.clean || allowing && underProc(q.Target) {
		return place{}, false
	}
	rest, _ := within(q.Target, "/")
	return place{"/", dotIfEmpty(rest)}, true
}

// covers leaves calls by name out: those speak of other kinds too.
func (anything) covers(other subject, _ bool) bool {
	_, byName := other.(callName)
	return !byName
}

// paths is a pattern as it was written, and as it reads without the symbolic
// links in its static part: "the rules match the resolved path" must hold for
// a rule that was written with a link in it, above all for one that refuses.
type paths struct {
	written, real pathPattern
}

func newPaths(text string, look Lookup) (paths, error) {
	written, err := compilePath(text)
	if err != nil {
		return paths{}, err
	}
	p := paths{written, written}
	if p.written.literal != "" {
		p.real.literal = look.real(p.written.literal)
		p.real.static = path.Dir(p.real.literal)
	} else {
		p.real.static = look.real(p.written.static)
	}
	return p, nil
}

func (p paths) match(q *question, allowing bool) (place, bool) {
	if !q.clean {
		return place{}, false
	}
	// Nobody can make, remove or rename a granted directory itself from within
	// it. A refusal speaks of it too.
	below := allowing && namingKinds.Has(q.Kind)
	for _, pattern := range [...]pathPattern{p.real, p.written} {
		if !pattern.match(q.Target, below) {
			continue
		}
		if p.real.literal != "" {
			rest, _ := within(p.real.literal, p.real.static)
			return place{p.real.static, dotIfEmpty(rest)}, true
		}
		rest, _ := within(q.Target, pattern.static)
		at := place{p.real.static, dotIfEmpty(rest)}
		return at, !(allowing && underProc(path.Join(at.root, at.below)))
	}
	return place{}, false
}

func (p paths) covers(other subject, below bool) bool {
	o, ok := other.(paths)
	if !ok {
		return false
	}
	either := func(o pathPattern) bool { return p.written.covers(o, below) || p.real.covers(o, below) }
	return either(o.written) && either(o.real)
}

// covers: what matches one path, everything below a directory, or the same.
func (p pathPattern) covers(o pathPattern, below bool) bool {
	switch {
	case o.literal != "":
		return p.match(o.literal, below)
	case p.tree && len(p.parts) == 1:
		_, ok := within(o.static, p.static)
		return ok
	}
	return p.literal == "" && p.static == o.static && reflect.DeepEqual(p.parts, o.parts)
}

func dotIfEmpty(rest string) string {
	if rest == "" {
		return "."
	}
	return rest
}

// underProc: what lies in /proc is the supervisor's own view of itself and of
// every process. No pattern grants it; a rule that names one file does.
func underProc(target string) bool {
	_, ok := within(target, "/proc")
	return ok
}

// names are modules, each with all below it, or functions.
type names []glob

func newNames(text string) (names, error) {
	var list names
	for name := range strings.SplitSeq(text, ".") {
		if strings.Trim(name, wordCharacters+"*?") != "" || name == "" || '0' <= name[0] && name[0] <= '9' {
			return nil, fmt.Errorf("%q is no dotted name; write one like scipy.signal, with * for any characters of a part", text)
		}
		g, err := compileGlob(name)
		if err != nil {
			return nil, err
		}
		list = append(list, g)
	}
	return list, nil
}

const wordCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

func (n names) match(q *question, _ bool) (place, bool) {
	rest := q.Target
	for i, g := range n {
		part, after, more := strings.Cut(rest, ".")
		if !g.match(part) || !more && i < len(n)-1 {
			return place{}, false
		}
		rest = after
	}
	return place{}, true
}

func (n names) covers(other subject, _ bool) bool {
	o, ok := other.(names)
	if !ok || len(o) < len(n) {
		return false
	}
	for i, g := range n {
		if name, ok := o[i].literal(); !(ok && g.match(name)) && !reflect.DeepEqual(g, o[i]) {
			return false
		}
	}
	return true
}

// callName is a system call by name, whatever kind of operation it makes.
type callName string

func (c callName) match(q *question, _ bool) (place, bool) { return place{}, q.Syscall == string(c) }

func (c callName) covers(other subject, _ bool) bool { return c == other }
