package syscallpolicy

import "golang.org/x/sys/unix"

// Arg names one of a system call's six arguments, or none.
type Arg uint8

// The arguments. The zero value is no argument, so that a table entry says
// only what is there.
const (
	NoArg Arg = iota
	Arg0
	Arg1
	Arg2
	Arg3
	Arg4
	Arg5
)

// Of gives the argument's value, or 0 for no argument.
func (a Arg) Of(args [6]uint64) uint64 {
	if a == NoArg || int(a) > len(args) {
		return 0
	}
	return args[a-1]
}

// Int gives the argument as the kernel sees a C int: the low 32 bits. A
// descriptor compared in 64 bits could be dodged with garbage above them.
func (a Arg) Int(args [6]uint64) int { return int(int32(a.Of(args))) }

// Location is where a path lies among a call's arguments: Path points to it,
// and it is relative to the directory descriptor Dir, or to the working
// directory when there is none.
type Location struct{ Dir, Path Arg }

// Syscall is what the supervisor (parent) needs to know about a system call
// that a sandbox made, to read its pointers once and to name the operation.
// All of it follows from the call's number and argument values, none from the
// sandbox's memory.
type Syscall struct {
	Name  string
	Kind  Kind
	Write bool // it can change what Path names

	Path, Path2         Location // Path2 is the new name of link and rename
	Flags               Arg      // O_* or AT_* flags by value
	How                 Arg      // a pointer to struct open_how; its size follows
	FD                  Arg      // the descriptor it works on
	Address, AddressLen Arg      // a pointer to a socket address
	PID, Signal         Arg      // whom a signal goes to
}

// Classify says what the native system call nr with these arguments means.
// A number without a special meaning is KindSyscall; it never gives KindNone.
func Classify(nr int, args [6]uint64) Syscall {
	s := lookup(nr)
	switch s.Name {
	case "open", "openat":
		s.Kind, s.Write = OpenKind(s.Flags.Of(args))
	case "sendto":
		// Without an address it is an odd flag that asks; with one it reaches
		// a peer that no connect named.
		if s.Address.Of(args) != 0 {
			s.Kind = KindConnect
		}
	}
	return s
}

// OpenKind says what opening with these O_* flags means, and whether it can
// change the file. openat2 keeps its flags behind a pointer, so its caller
// reads them and comes here.
func OpenKind(flags uint64) (kind Kind, write bool) {
	const tmpfile = unix.O_TMPFILE &^ unix.O_DIRECTORY
	switch {
	case flags&unix.O_PATH != 0:
		// The kernel ignores O_CREAT, O_TRUNC and the access mode then.
		return KindStat, false
	case flags&(unix.O_CREAT|tmpfile) != 0:
		return KindCreate, true
	}
	// O_TRUNC changes the file under O_RDONLY too, and the access mode 3
	// is not readable by name but does pass a check for write permission.
	write = flags&unix.O_ACCMODE != unix.O_RDONLY || flags&unix.O_TRUNC != 0
	if flags&unix.O_DIRECTORY != 0 {
		return KindList, write
	}
	return KindOpen, write
}
