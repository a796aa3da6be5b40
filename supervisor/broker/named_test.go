package broker

import (
	"maps"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// TestNamed: calls that need no decision are not done when the policy refuses
// them by their name, and only then is anything said of them.
func TestNamed(t *testing.T) {
	root := tree(t)
	at := server(t)
	refusing := ""
	var named, decided []string
	scratch, err := NewScratch(1<<20, 100)
	must(t, err)
	b := newBroker(t, Options{Scratch: scratch, Roots: []Root{{Path: root, Write: true}}, Network: &Network{Grants: []string{at.String()}}, MaxFile: 1000,
		Decide: func(o syscallpolicy.Operation) syscallpolicy.Decision {
			decided = append(decided, o.Syscall)
			return allow
		},
		Named: func(o syscallpolicy.Operation) (syscallpolicy.Decision, bool) {
			named = append(named, o.Syscall)
			return syscallpolicy.Decision{Errno: unix.ENOLCK}, o.Syscall == refusing
		}})
	f := newFake(t)
	open := func(path string, flags int) int {
		fd, errno := f.call(b, unix.SYS_OPEN, path, flags, 0o600)
		if errno != 0 {
			t.Fatal(errno)
		}
		return int(fd)
	}
	host, own, folder := open(root+"/file", unix.O_RDWR), open("/tmp/file", unix.O_CREAT|unix.O_RDWR), open(root+"/dir", unix.O_DIRECTORY)
	socket, errno := f.call(b, unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	address := sockaddr(at.String())
	if _, errno := f.call(b, unix.SYS_CONNECT, int(socket), address, len(address)); errno != 0 {
		t.Fatal(errno)
	}
	done := map[string][]any{
		"ftruncate": {unix.SYS_FTRUNCATE, host, 5}, "fsync": {unix.SYS_FSYNC, host}, "fdatasync": {unix.SYS_FDATASYNC, host},
		"fchmod": {unix.SYS_FCHMOD, own, 0o600}, "flock": {unix.SYS_FLOCK, own, unix.LOCK_SH}, "fcntl": {unix.SYS_FCNTL, host, unix.F_SETFL, 0},
		"getdents64": {unix.SYS_GETDENTS64, folder, make([]byte, 1000), 1000}, "fstatfs": {unix.SYS_FSTATFS, own, make([]byte, 120)},
		"getcwd": {unix.SYS_GETCWD, make([]byte, 100), 100}, "umask": {unix.SYS_UMASK, 0o77},
		"newfstatat": {unix.SYS_NEWFSTATAT, host, "", make([]byte, sizeofStat), unix.AT_EMPTY_PATH},
		"statx":      {unix.SYS_STATX, host, "", unix.AT_EMPTY_PATH, 0, make([]byte, sizeofStatx)},
		"faccessat2": {439, host, "", 0, unix.AT_EMPTY_PATH}, "utimensat": {unix.SYS_UTIMENSAT, own, 0, 0, 0},
		"socket":      {unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0},
		"setsockopt":  {unix.SYS_SETSOCKOPT, int(socket), unix.IPPROTO_TCP, unix.TCP_NODELAY, []byte{1, 0, 0, 0}, 4},
		"getsockopt":  {unix.SYS_GETSOCKOPT, int(socket), unix.SOL_SOCKET, unix.SO_ERROR, make([]byte, 4), []byte{4, 0, 0, 0}},
		"getpeername": {unix.SYS_GETPEERNAME, int(socket), make([]byte, 28), []byte{28, 0, 0, 0}},
		"getsockname": {unix.SYS_GETSOCKNAME, int(socket), make([]byte, 28), []byte{28, 0, 0, 0}},
		"ioctl":       {unix.SYS_IOCTL, int(socket), fionbio, []byte{0, 0, 0, 0}},
		"shutdown":    {unix.SYS_SHUTDOWN, int(socket), unix.SHUT_WR},
	}
	for name := range undecided {
		if done[name] == nil {
			t.Errorf("%s is not tested", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(done)) { // shutdown after what needs a connection
		call := done[name]
		for _, refusing = range []string{name, ""} {
			named, decided = nil, nil
			_, errno := f.call(b, call[0].(int), call[1:]...)
			want := unix.Errno(0)
			if refusing != "" {
				want = unix.ENOLCK
			}
			if errno != want || !slices.Equal(named, []string{name}) || decided != nil {
				t.Errorf("%s, refused %q, = %v, asks by name %q and decides %q; want %v, one and none", name, refusing, errno, named, decided, want)
			}
		}
	}
}

// TestUmask: it is the sandbox's own, and the supervisor's holds beside it.
func TestUmask(t *testing.T) {
	root := tree(t)
	b := newBroker(t, Options{Decide: allowAll, Roots: []Root{{Path: root, Write: true}}})
	f := newFake(t)
	defer unix.Umask(unix.Umask(0o022))
	for _, step := range []struct {
		set       int
		old       int64
		file, dir uint32
	}{{0o027, 0o077, 0o640, 0o750}, {0o7000, 0o027, 0o644, 0o755}, {0o777, 0, 0, 0}} {
		old, errno := f.call(b, unix.SYS_UMASK, step.set)
		if errno != 0 || old != step.old {
			t.Errorf("umask(%o) = %o, %v; want %o", step.set, old, errno, step.old)
		}
		f.call(b, unix.SYS_OPEN, root+"/made", unix.O_CREAT|unix.O_RDWR, 0o777)
		f.call(b, unix.SYS_MKDIR, root+"/made.d", 0o777)
		for path, want := range map[string]uint32{root + "/made": step.file, root + "/made.d": step.dir} {
			var s unix.Stat_t
			must(t, unix.Stat(path, &s))
			if s.Mode&0o7777 != want {
				t.Errorf("with umask %o %s has mode %o; want %o", step.set, path, s.Mode&0o7777, want)
			}
			must(t, os.Remove(path))
		}
	}
}
