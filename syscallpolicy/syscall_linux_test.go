package syscallpolicy

import (
	"reflect"
	"testing"

	seccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

func TestClassify(t *testing.T) {
	at := Location{Arg0, Arg1}
	tests := []struct {
		nr   int
		args [6]uint64
		want Syscall
	}{
		{unix.SYS_OPENAT, args(0, 0, unix.O_RDONLY|unix.O_CLOEXEC), Syscall{Name: "openat", Kind: KindOpen, Path: at, Flags: Arg2}},
		{unix.SYS_OPENAT, args(0, 0, unix.O_WRONLY), Syscall{Name: "openat", Kind: KindOpen, Write: true, Path: at, Flags: Arg2}},
		{unix.SYS_OPENAT, args(0, 0, unix.O_DIRECTORY), Syscall{Name: "openat", Kind: KindList, Path: at, Flags: Arg2}},
		{unix.SYS_OPENAT, args(0, 0, unix.O_CREAT), Syscall{Name: "openat", Kind: KindCreate, Write: true, Path: at, Flags: Arg2}},
		{unix.SYS_OPENAT2, args(), Syscall{Name: "openat2", Kind: KindOpen, Path: at, How: Arg2}},
		{unix.SYS_LINKAT, args(), Syscall{Name: "linkat", Kind: KindCreate, Write: true, Path: at, Path2: Location{Arg2, Arg3}, Flags: Arg4}},
		{unix.SYS_SYMLINKAT, args(), Syscall{Name: "symlinkat", Kind: KindCreate, Write: true, Path: Location{Arg1, Arg2}}},
		{unix.SYS_SENDTO, args(3, 0, 0, 1), Syscall{Name: "sendto", Kind: KindSocket, FD: Arg0, Address: Arg4, AddressLen: Arg5, Flags: Arg3}},
		{unix.SYS_SENDTO, args(3, 0, 0, 0, 8), Syscall{Name: "sendto", Kind: KindConnect, FD: Arg0, Address: Arg4, AddressLen: Arg5, Flags: Arg3}},
		{unix.SYS_TGKILL, args(), Syscall{Name: "tgkill", Kind: KindSignal, PID: Arg0, Signal: Arg2}},
		{unix.SYS_CLONE3, args(), Syscall{Name: "clone3", Kind: KindFork}},
		{unix.SYS_MMAP, args(), Syscall{Name: "mmap", Kind: KindSyscall}},
		{unix.SYS_LISTXATTRAT, args(), Syscall{Name: "listxattrat", Kind: KindStat, Path: at, Flags: Arg2}},
		{500, args(), Syscall{Name: "syscall_500", Kind: KindSyscall}},
		{numbers, args(), Syscall{Name: "syscall_512", Kind: KindSyscall}},
		{-1, args(), Syscall{Name: "syscall_-1", Kind: KindSyscall}},
	}
	for _, tt := range tests {
		if got := Classify(tt.nr, tt.args); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("Classify(%d, %#x) = %+v; want %+v", tt.nr, tt.args, got, tt.want)
		}
	}
	for nr := -1; nr <= 600; nr++ {
		if s := Classify(nr, args()); !s.Kind.Valid() || s.Name == "" {
			t.Errorf("Classify(%d) = %+v; want a kind and a name", nr, s)
		}
	}
}

func TestOpenKind(t *testing.T) {
	tests := []struct {
		flags uint64
		kind  Kind
		write bool
	}{
		{unix.O_RDONLY, KindOpen, false},
		{unix.O_RDWR, KindOpen, true},
		{unix.O_ACCMODE, KindOpen, true},
		{unix.O_RDONLY | unix.O_TRUNC, KindOpen, true},
		{unix.O_RDONLY | unix.O_CREAT, KindCreate, true},
		{unix.O_DIRECTORY | unix.O_NONBLOCK, KindList, false},
		{unix.O_TMPFILE | unix.O_WRONLY, KindCreate, true},
		{unix.O_PATH | unix.O_CREAT | unix.O_RDWR, KindStat, false},
	}
	for _, tt := range tests {
		if kind, write := OpenKind(tt.flags); kind != tt.kind || write != tt.write {
			t.Errorf("OpenKind(%#o) = %v, %v; want %v, %v", tt.flags, kind, write, tt.kind, tt.write)
		}
	}
}

func TestArg(t *testing.T) {
	a := args(10, 11, 12, 13, 14, 0xffff_ffff_ffff_ff9c)
	for arg, want := range []uint64{0, 10, 11, 12, 13, 14, 0xffff_ffff_ffff_ff9c, 0} {
		if got := Arg(arg).Of(a); got != want {
			t.Errorf("Arg(%d).Of(%d) = %d; want %d", arg, a, got, want)
		}
	}
	for _, v := range []uint64{0xffff_ff9c, 0xffff_ffff_ffff_ff9c, garbage | 0xffff_ff9c} {
		if got := Arg0.Int(args(v)); got != unix.AT_FDCWD {
			t.Errorf("Arg0.Int(%#x) = %d; want %d", v, got, unix.AT_FDCWD)
		}
	}
}

func TestName(t *testing.T) {
	for nr, want := range map[int]string{
		unix.SYS_READ: "read", unix.SYS_NEWFSTATAT: "newfstatat", unix.SYS_FUTEX_WAITV: "futex_waitv",
		unix.SYS_MSEAL: "mseal", unix.SYS_RSEQ_SLICE_YIELD: "rseq_slice_yield", 1000: "syscall_1000",
	} {
		if got := Name(nr); got != want {
			t.Errorf("Name(%d) = %q; want %q", nr, got, want)
		}
	}
	for nr := unix.SYS_PIDFD_SEND_SIGNAL; nr <= unix.SYS_RSEQ_SLICE_YIELD; nr++ {
		if got := Name(nr); got == unnamed(nr) {
			t.Errorf("Name(%d) = %q; want a name", nr, got)
		}
	}
}

// TestTablesNameCalls finds slips of the pen: a name that no architecture
// knows would never be looked up, and its call would pass unclassified.
func TestTablesNameCalls(t *testing.T) {
	names := append([]string{}, allowed...)
	for name := range meanings {
		names = append(names, name)
	}
	for _, s := range shapes {
		for _, c := range s.conditions() {
			names = append(names, c.call)
		}
	}
	for _, r := range Refusals() {
		names = append(names, r.Call)
	}
	known := map[string]bool{}
	for _, name := range newer {
		known[name] = true
	}
	for _, name := range names {
		if _, err := seccomp.GetSyscallFromName(name); err != nil && !known[name] {
			t.Errorf("GetSyscallFromName(%q) = %v; want a number", name, err)
		}
	}
	if _, err := number("opem"); err == nil {
		t.Errorf("number(opem) = nil; want an error")
	}
}
