package syscallpolicy

import (
	"errors"
	"fmt"
	"io/fs"
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
	// Missing says which paths surely are not, of any that a model may name;
	// nil looks at this machine.
	Missing func(Kind, string) string

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

// reason is why something learned does not become an active rule.
type reason struct {
	text string // of this one
	why  string // what many can have in common, for the count at the head
	rule bool   // whether a person could make a rule for it active
}

const notThere = "it does not exist on this machine"

func common(text string) reason { return reason{text, text, true} }

func never(text, why string) reason { return reason{text, why, false} }

// reason says why e is not to be allowed without a person's word; its text is
// empty when it is.
func (d *draft) reason(e learned) reason {
	r := d.standing(e)
	if r.text == "" || !r.rule || !pathKinds.Has(e.kind()) {
		return r
	}
	k := e.kind()
	if e.kinds&namingKinds != 0 {
		k = KindCreate
	}
	if at := d.missing(k, e.target); at != "" {
		return never(clipped(at)+" does not exist on this machine", notThere)
	}
	return r
}

// standing says where e stands, by its name.
func (d *draft) standing(e learned) reason {
	switch {
	case e.rule != byDefault && e.rule != "":
		// It was there first: a rule behind it would never match.
		return never(e.rule+" refuses it: change it there", "a rule of the policy refuses it")
	case e.kind() == KindImport && inPreset(d.base.preset, e.target):
		return reason{}
	case e.kind() == KindImport:
		return common("it is no module of the preset's list")
	case e.kind() == KindConnect:
		return common("it is the network")
	case e.kind() == KindCall:
		return common("it is a function of the host application")
	case !pathKinds.Has(e.kind()):
		return common("it is no file")
	}
	return e.outside(d.home, d.look)
}

// outside says why a path is none of the model's own. Links are resolved: a
// directory may hold one that leads elsewhere. Of other directories' paths
// only the text is looked at, as a name of the model's choosing could make an
// automounter ask a host of the model's choosing.
func (e learned) outside(modelDir string, look Lookup) reason {
	home, _, err := look(modelDir)
	if err != nil || home == "/" {
		return common("the model has no directory of its own")
	}
	if !cleanPath(e.target) {
		return common("it is no absolute path")
	}
	foreign := common("it is outside the model's own directory")
	if !below(e.target, home) && !below(e.target, modelDir) {
		return foreign
	}
	rest, ok := within(look.real(e.target), home)
	switch {
	case !ok:
		return foreign
	case strings.HasPrefix(rest, ".") || strings.Contains(rest, "/."):
		return common("it is hidden in the model's own directory")
	case e.changes() && sourceFile(rest):
		return common("it changes the model's own code")
	}
	r, err := e.allow()
	if err == nil {
		_, err = r.compile(fromFile, look)
	}
	if err != nil {
		if _, _, gone := look(e.target); errors.Is(gone, fs.ErrNotExist) {
			return never(err.Error(), notThere)
		}
		return never(err.Error(), "it cannot be granted")
	}
	return reason{}
}

func below(name, directory string) bool {
	_, ok := within(name, directory)
	return ok
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
