package syscallpolicy

import "strings"

// KindSet is a set of kinds, for rules that speak of several. It lives in the
// supervisor (parent).
type KindSet uint32

// KindsOf gives the set of these kinds; what is no kind is left out.
func KindsOf(kinds ...Kind) KindSet {
	var s KindSet
	for _, k := range kinds {
		if k.Valid() {
			s |= 1 << k
		}
	}
	return s
}

// Has reports whether k is in the set.
func (s KindSet) Has(k Kind) bool { return k.Valid() && s&(1<<k) != 0 }

// Kinds gives the members in the order of their values.
func (s KindSet) Kinds() []Kind {
	var list []Kind
	for _, k := range Kinds() {
		if s.Has(k) {
			list = append(list, k)
		}
	}
	return list
}

func (s KindSet) String() string {
	var words []string
	for _, k := range s.Kinds() {
		words = append(words, k.String())
	}
	return strings.Join(words, " ")
}

// The kinds by what a rule about them names.
var (
	namingKinds  = KindsOf(KindCreate, KindRemove, KindRename)
	readingKinds = KindsOf(KindOpen, KindStat, KindList)
	pathKinds    = namingKinds | readingKinds
)

// Subject is what the target of a kind is, by the key of policy files that
// names it; empty for kinds that have none.
func (k Kind) Subject() string {
	switch {
	case pathKinds.Has(k) || k == KindExec:
		return "path"
	case k == KindImport:
		return "module"
	case k == KindConnect:
		return "address"
	case k == KindCall:
		return "function"
	case k == KindSyscall:
		return "syscall"
	}
	return ""
}

// impossible says why an allow for k cannot be performed; empty when it can.
func (k Kind) impossible() string {
	switch k {
	case KindExec:
		return "no program starts in a sandbox"
	case KindFork:
		return "a sandbox is one process; threads are a limit, [limits] threads"
	case KindSignal:
		return "a model can signal nobody but itself, which needs no rule"
	case KindSocket:
		return `a connection is granted by kind = "connect" with address = "host:port"`
	case KindSyscall:
		return "a call that the filter does not allow by itself could read other arguments than the ones that were judged"
	}
	return ""
}
