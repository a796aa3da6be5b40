package syscallpolicy

import "strings"

// Movable reports whether a file may change its path from old to new without
// the rules allowing more of it there than before: they go by path, and what
// they refuse must not be moved past them. With tree it is a directory, and the
// answer holds for all that lies below it, whatever that is called.
//
// Every kind of operation on files counts, reading and changing. It says
// nothing of the move itself, which is an operation at both ends. Where the
// rules tell apart what lies below a directory, by a pattern or a single path,
// the answer is no.
func (p Policy) Movable(old, new string, tree bool) bool {
	if p.byKind == nil || !cleanPath(old) || !cleanPath(new) {
		return false
	}
	for _, k := range pathKinds.Kinds() {
		for _, write := range []bool{false, true} {
			after, ok := p.leave(k, write, new, tree)
			if ok && after == 0 {
				continue
			}
			before, known := p.leave(k, write, old, tree)
			if !ok || !known || after > before {
				return false
			}
		}
	}
	return true
}

// leave is how much the rules leave to a sandbox on a file, and with tree on
// all that lies below it; ok is false where that differs.
func (p Policy) leave(k Kind, write bool, path string, tree bool) (much int, ok bool) {
	q := newQuestion(&Operation{Kind: k, Target: path, Write: write})
	defer q.answered()
	for _, c := range p.byKind[k] {
		if !c.concerns(q) {
			continue
		}
		switch c.extent(q, tree) {
		case allOf:
			return c.Effect.much(), true
		case someOf:
			return 0, false
		}
	}
	return 0, true
}

// much orders the effects by what they give of the file itself. Virtual gives
// nothing of it.
func (e Effect) much() int {
	switch e {
	case Allow:
		return 2
	case Ask:
		return 1
	}
	return 0
}

// extent is how much of a tree a pattern matches.
type extent uint8

const (
	noneOf extent = iota
	someOf        // or what cannot be told
	allOf
)

func (c *compiled) extent(q *question, tree bool) extent {
	allowing := c.Effect.allowing()
	if !tree {
		if _, ok := c.subject.match(q, allowing); ok {
			return allOf
		}
		return noneOf
	}
	if allowing && (underProc(q.Target) || q.Target == "/") {
		return someOf // rules on patterns do not speak of /proc
	}
	switch s := c.subject.(type) {
	case anything:
		return allOf
	case paths:
		below := allowing && namingKinds.Has(q.Kind)
		e := max(s.real.extent(q.Target, below), s.written.extent(q.Target, below))
		if e == allOf && allowing && underProc(s.real.static) {
			e = someOf
		}
		return e
	}
	return noneOf
}

// extent is exact for patterns of which no "**" stands before the last
// component; for others someOf can stand for allOf.
func (p pathPattern) extent(path string, below bool) extent {
	at := p.static
	if p.literal != "" {
		at = p.literal
	}
	if _, above := within(at, path); above && at != path {
		return someOf
	}
	if p.literal != "" {
		if at == path {
			return someOf // the directory, and nothing below it
		}
		return noneOf
	}
	rest, ok := within(path, p.static)
	if !ok {
		return noneOf
	}
	after := p.after(rest)
	switch {
	case len(after) == 0:
		return noneOf
	case p.tree && after[len(p.parts)-1] && p.match(path, below):
		return allOf
	}
	return someOf
}

// after gives the places in the pattern where a match can stand once it has
// taken these components; none when it cannot begin with them.
func (p pathPattern) after(rest string) map[int]bool {
	at := map[int]bool{}
	p.arrive(at, 0)
	for rest != "" {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		next := map[int]bool{}
		for i := range at {
			switch {
			case i == len(p.parts):
			case p.parts[i].deep:
				p.arrive(next, i)
			case p.parts[i].glob.match(name):
				p.arrive(next, i+1)
			}
		}
		at = next
	}
	return at
}

// arrive is at a place, and behind it too where nothing need be taken there.
func (p pathPattern) arrive(at map[int]bool, i int) {
	at[i] = true
	if i < len(p.parts) && p.parts[i].deep {
		p.arrive(at, i+1)
	}
}
