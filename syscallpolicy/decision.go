package syscallpolicy

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Effect is what happens to an operation. The set is closed, and the zero
// value denies: a rule, a callback or an answer that says nothing refuses.
type Effect uint8

// The effects, by the words that policies and reports use.
const (
	Deny    Effect = iota // the call fails with an errno
	Allow                 // the supervisor performs it
	Kill                  // the sandbox ends, with verdict policy-violation
	Virtual               // the supervisor answers with content the host supplies
	Ask                   // the host application or a person decides; no answer denies
	effectEnd
)

var effectNames = [effectEnd]string{Deny: "deny", Allow: "allow", Kill: "kill", Virtual: "virtual", Ask: "ask"}

func (e Effect) String() string {
	if e < effectEnd {
		return effectNames[e]
	}
	return fmt.Sprintf("effect %d", uint8(e))
}

// ParseEffect is the inverse of Effect.String. With an error it gives Deny.
func ParseEffect(s string) (Effect, error) {
	for e := Deny; e < effectEnd; e++ {
		if effectNames[e] == s {
			return e, nil
		}
	}
	return Deny, fmt.Errorf("unknown decision %q", s)
}

// MarshalText gives e's word, for reports and policy files.
func (e Effect) MarshalText() ([]byte, error) {
	if e >= effectEnd {
		return nil, fmt.Errorf("%v is no decision", e)
	}
	return []byte(e.String()), nil
}

// UnmarshalText reads a word that MarshalText wrote.
func (e *Effect) UnmarshalText(b []byte) error {
	v, err := ParseEffect(string(b))
	if err != nil {
		return err
	}
	*e = v
	return nil
}

// Decision is the answer to one Operation. It is made and used in the
// supervisor (parent); of it the sandbox sees only what it does. The zero
// value denies with EPERM.
type Decision struct {
	Effect Effect

	// Errno is what a refused call returns; ErrnoOrEPERM reads it.
	Errno unix.Errno

	// Rule is the rule that decided, in words for the record; empty when none
	// matched and the default refused.
	Rule string

	// Content is what a virtual file contains.
	Content string

	// Root and Below say where an allowed operation on a path is carried out:
	// Root is the directory that the rule grants, without symbolic links as of
	// when the policy was made, and Below is the name in it ("." for itself),
	// to be looked up with RESOLVE_BENEATH. For Ask they say where it would be.
	// Where the look-up ends is decided anew when that is another path.
	Root, Below string
}

// ErrnoOrEPERM gives the errno that a refused call returns. A value the kernel
// would not take for an error (it would become a result, and a refusal would
// look like success) counts as not set.
func (d Decision) ErrnoOrEPERM() unix.Errno {
	const maxErrno = 4095
	if d.Errno == 0 || d.Errno > maxErrno {
		return unix.EPERM
	}
	return d.Errno
}

// Refuses reports whether the operation is not carried out as tried or in
// substitute. Effects outside the closed set refuse, as Ask does while nobody
// has answered.
func (d Decision) Refuses() bool { return d.Effect != Allow && d.Effect != Virtual }

func (d Decision) String() string {
	s := d.Effect.String()
	if d.Effect == Deny {
		s = fmt.Sprintf("%s with %s", s, unix.ErrnoName(d.ErrnoOrEPERM()))
	}
	if d.Rule != "" {
		s = fmt.Sprintf("%s by %s", s, d.Rule)
	}
	return s
}
