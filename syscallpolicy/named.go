package syscallpolicy

// Named answers an operation by the name of its system call alone: a profile,
// or a rule on that call. ok is false where neither speaks of it. It is for
// calls on what a sandbox holds already, which need no decision otherwise, and
// which a policy may all the same not want.
func (p Policy) Named(op Operation) (d Decision, ok bool) {
	if d, ok := p.profile.decide(op); ok {
		return d, true
	}
	if p.byKind == nil || op.Kind >= kindEnd {
		return Decision{}, false
	}
	q := newQuestion(&op)
	defer q.answered()
	for _, c := range p.byKind[op.Kind] {
		if _, byName := c.subject.(callName); !byName {
			continue
		}
		if d, ok := c.decide(q); ok {
			return d, true
		}
	}
	return Decision{}, false
}
