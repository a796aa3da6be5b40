package syscallpolicy

import "fmt"

// Kind says what sort of thing a model tried. Operations carry it in the
// supervisor (parent), and the sandbox names it in questions over the control
// socket. The set is closed. The zero value is KindNone: no operation has it,
// no rule can name it, and its text does not parse.
type Kind uint8

// The kinds, by the words that policies and reports use.
const (
	KindNone    Kind = iota
	KindOpen         // open an existing file
	KindStat         // look at a name: stat, access, readlink, chdir
	KindList         // open or read a directory
	KindCreate       // make a name, or open with leave to make one
	KindRemove       // remove a name
	KindRename       // move a name
	KindImport       // import a module that is not on the list
	KindConnect      // connect to an address
	KindSocket       // any other use of sockets
	KindExec         // run a program
	KindFork         // make a process, or a thread where threads are not granted
	KindSignal       // send a signal
	KindCall         // call a function of the host application
	KindSyscall      // any other system call
	kindEnd
)

var kindNames = [kindEnd]string{
	KindNone: "none", KindOpen: "open", KindStat: "stat", KindList: "list", KindCreate: "create",
	KindRemove: "remove", KindRename: "rename", KindImport: "import", KindConnect: "connect",
	KindSocket: "socket", KindExec: "exec", KindFork: "fork", KindSignal: "signal", KindCall: "call",
	KindSyscall: "syscall",
}

// Kinds gives every kind that a rule can name, in the order of their values.
func Kinds() []Kind {
	var ks []Kind
	for k := KindNone + 1; k < kindEnd; k++ {
		ks = append(ks, k)
	}
	return ks
}

// Valid reports whether k is a kind that an operation can have.
func (k Kind) Valid() bool { return k > KindNone && k < kindEnd }

func (k Kind) String() string {
	if k < kindEnd {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// ParseKind is the inverse of Kind.String for valid kinds.
func ParseKind(s string) (Kind, error) {
	for k := KindNone + 1; k < kindEnd; k++ {
		if kindNames[k] == s {
			return k, nil
		}
	}
	return KindNone, fmt.Errorf("unknown kind of operation %q", s)
}

// MarshalText gives k's word, for reports and policy files.
func (k Kind) MarshalText() ([]byte, error) {
	if !k.Valid() {
		return nil, fmt.Errorf("%v is no kind of operation", k)
	}
	return []byte(k.String()), nil
}

// UnmarshalText reads a word that MarshalText wrote.
func (k *Kind) UnmarshalText(b []byte) error {
	v, err := ParseKind(string(b))
	if err != nil {
		return err
	}
	*k = v
	return nil
}
