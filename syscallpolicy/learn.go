package syscallpolicy

import (
	"fmt"
	"path"
	"strings"
	"sync"
)

// Bounds of what is learned: a flood of distinct targets must neither grow
// the supervisor nor bury the reader.
const (
	maxLearned = 1000
	maxWritten = 200
)

// Learner collects what a model was refused, to write the policy that would
// have allowed it. It lives in the supervisor (parent), where its targets are
// of the model's choosing, and is safe for concurrent use. The zero value is
// ready.
type Learner struct {
	// Look says which paths are there; nil looks at this machine.
	Look Lookup

	mu     sync.Mutex
	places map[learnedKey]int
	list   []learned
	others int64 // refusals that found no place
}

// learnedKey is what makes refusals equal. All that is tried on one path goes
// into one rule.
type learnedKey struct {
	subject string
	target  string
	kind    Kind // where the subject does not gather kinds
}

type learned struct {
	kinds  KindSet
	target string
	write  bool
	rule   string // that refused it
	count  int64
}

// Add keeps one decision if it refused.
func (l *Learner) Add(op Operation, d Decision) {
	if !d.Refuses() || !op.Kind.Valid() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(op.Target) > maxTarget {
		l.others++
		return
	}
	key := learnedKey{subject: op.Kind.Subject(), target: op.Target}
	if !pathKinds.Has(op.Kind) {
		key.kind = op.Kind
	}
	i, ok := l.places[key]
	if !ok {
		if len(l.list) == maxLearned {
			l.others++
			return
		}
		if l.places == nil {
			l.places = map[learnedKey]int{}
		}
		i = len(l.list)
		l.places[key] = i
		l.list = append(l.list, learned{target: op.Target, rule: d.Rule})
	}
	e := &l.list[i]
	e.count++
	e.kinds |= KindsOf(op.Kind)
	e.write = e.write || op.Write && (op.Kind == KindOpen || op.Kind == KindList)
	if d.Rule != byDefault {
		e.rule = d.Rule
	}
}

// kind is the first of what was tried.
func (e learned) kind() Kind { return e.kinds.Kinds()[0] }

// allow gives the rule that allows e and nothing else.
func (e learned) allow() (Rule, error) {
	r, err := allowRule(Operation{Kind: e.kind(), Target: e.target})
	r.Kinds, r.Write = e.kinds, e.write
	if e.kinds.Has(KindOpen) {
		r.Kinds &^= KindsOf(KindStat) // which an open that is allowed includes
	}
	return r, err
}

// reason says why e is not to be allowed without a person's word; empty when
// it is.
func (e learned) reason(base Policy, modelDir string, look Lookup) string {
	switch {
	case e.rule != byDefault && e.rule != "":
		return e.rule + " refuses it: change it there"
	case e.kind() == KindImport && inPreset(base.preset, e.target):
		return ""
	case e.kind() == KindImport:
		return "it is no module of the preset's list"
	case e.kind() == KindConnect:
		return "it is the network"
	case e.kind() == KindCall:
		return "it is a function of the host application"
	case !pathKinds.Has(e.kind()):
		return "it is no file"
	}
	return e.outside(modelDir, look)
}

// outside says why a path is none of the model's own. Links are resolved: a
// directory may hold one that leads elsewhere.
func (e learned) outside(modelDir string, look Lookup) string {
	home, _, err := look(modelDir)
	if err != nil || home == "/" {
		return "the model has no directory of its own"
	}
	if !cleanPath(e.target) {
		return "it is no absolute path"
	}
	rest, ok := within(look.real(e.target), home)
	switch {
	case !ok:
		return "it is outside the model's own directory"
	case strings.HasPrefix(rest, ".") || strings.Contains(rest, "/."):
		return "it is hidden in the model's own directory"
	case e.changes() && sourceFile(rest):
		return "it changes the model's own code"
	}
	r, err := e.allow()
	if err == nil {
		_, err = r.compile(fromFile, look)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func (e learned) changes() bool { return e.write || e.kinds&namingKinds != 0 }

func sourceFile(name string) bool {
	switch path.Ext(name) {
	case ".py", ".pyc", ".pyi", ".pth", ".so", ".toml":
		return true
	}
	return strings.Contains(name, "__pycache__")
}

// purpose is the comment above a rule.
func (e learned) purpose() string {
	words := map[Kind]string{
		KindOpen: "read", KindStat: "looked at", KindList: "listed", KindCreate: "made", KindRemove: "removed",
		KindRename: "renamed", KindImport: "imported", KindConnect: "connected to", KindCall: "called", KindExec: "run",
		KindSignal: "signalled", KindFork: "forked", KindSocket: "a socket", KindSyscall: "called",
	}
	var list []string
	for _, k := range e.kinds.Kinds() {
		word := words[k]
		if k == KindOpen && e.write {
			word = "opened for writing"
		}
		list = append(list, word)
	}
	return fmt.Sprintf("%s %s", strings.Join(list, ", "), times(e.count))
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
