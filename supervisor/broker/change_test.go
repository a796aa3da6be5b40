package broker

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// twins are two trees alike: one for the kernel's own call, one for the
// broker's.
type twins struct {
	t         testing.TB
	own, held string
	b         *Broker
	f         *fake
	fresh     string // the snapshot of both when new
}

func newTwins(t testing.TB) *twins {
	w := &twins{t: t, own: tree(t), held: tree(t), f: newFake(t)}
	w.b, _ = grant(t, w.held)
	w.fresh = snapshot(t, w.own)
	return w
}

// compare makes a call in both trees; arguments that are texts are paths in
// them. It reports whether the call changed something.
func (w *twins) compare(name string, nr int, args ...any) bool {
	w.t.Helper()
	call := func(root string, make func(...any) (int64, unix.Errno)) string {
		var full []any
		for _, arg := range args {
			if p, ok := arg.(string); ok {
				arg = root + "/" + p
			}
			full = append(full, arg)
		}
		value, errno := make(full...)
		if errno == 0 && strings.HasPrefix(name, "open") {
			value = 0
		}
		return fmt.Sprintf("%d, %v", value, errno)
	}
	want := call(w.own, func(args ...any) (int64, unix.Errno) {
		fd, errno := kernelCall(w.t, nr, args...)
		if errno == 0 && strings.HasPrefix(name, "open") {
			unix.Close(int(fd))
		}
		return fd, errno
	})
	got := call(w.held, func(args ...any) (int64, unix.Errno) { return w.f.call(w.b, nr, args...) })
	w.f.closeAll()
	if got != want {
		w.t.Errorf("%s(%.60q) = %s; want %s", name, args, got, want)
	}
	if want != "0, errno 0" && got == want {
		return false
	}
	a, b := snapshot(w.t, w.own), snapshot(w.t, w.held)
	if a != b {
		w.t.Errorf("%s(%.60q) leaves\n%s", name, args, difference(b, a))
	}
	return a != w.fresh || b != w.fresh
}

func TestChangeAsKernel(t *testing.T) {
	calls := []struct {
		name string
		nr   int
		args func(p string) []any
	}{
		{"open create", unix.SYS_OPENAT, func(p string) []any {
			return []any{unix.AT_FDCWD, p, unix.O_CREAT | unix.O_RDWR | unix.O_NONBLOCK, 0o666}
		}},
		{"open exclusive", unix.SYS_OPENAT, func(p string) []any {
			return []any{unix.AT_FDCWD, p, unix.O_CREAT | unix.O_EXCL | unix.O_WRONLY, 0o644}
		}},
		{"open create nofollow", unix.SYS_OPENAT, func(p string) []any {
			return []any{unix.AT_FDCWD, p, unix.O_CREAT | unix.O_NOFOLLOW | unix.O_RDONLY | unix.O_NONBLOCK, 0o644}
		}},
		{"open truncate", unix.SYS_OPEN, func(p string) []any { return []any{p, unix.O_TRUNC | unix.O_WRONLY | unix.O_NONBLOCK, 0} }},
		{"open temporary", unix.SYS_OPENAT, func(p string) []any {
			return []any{unix.AT_FDCWD, p, unix.O_TMPFILE | unix.O_RDWR | unix.O_EXCL, 0o600}
		}},
		{"mkdir", unix.SYS_MKDIR, func(p string) []any { return []any{p, 0o755} }},
		{"rmdir", unix.SYS_RMDIR, func(p string) []any { return []any{p} }},
		{"unlink", unix.SYS_UNLINK, func(p string) []any { return []any{p} }},
		{"unlinkat", unix.SYS_UNLINKAT, func(p string) []any { return []any{unix.AT_FDCWD, p, unix.AT_REMOVEDIR} }},
		{"truncate", unix.SYS_TRUNCATE, func(p string) []any { return []any{p, 3} }},
		{"rename from", unix.SYS_RENAME, func(p string) []any { return []any{p, "moved"} }},
		{"rename to", unix.SYS_RENAME, func(p string) []any { return []any{"dir/a", p} }},
		{"rename directory to", unix.SYS_RENAME, func(p string) []any { return []any{"dir/sub", p} }},
		{"renameat2 noreplace", unix.SYS_RENAMEAT2, func(p string) []any {
			return []any{unix.AT_FDCWD, "dir/a", unix.AT_FDCWD, p, unix.RENAME_NOREPLACE}
		}},
		{"renameat2 exchange", unix.SYS_RENAMEAT2, func(p string) []any {
			return []any{unix.AT_FDCWD, "dir/a", unix.AT_FDCWD, p, unix.RENAME_EXCHANGE}
		}},
	}
	for _, call := range calls {
		t.Run(strings.ReplaceAll(call.name, " ", "-"), func(t *testing.T) {
			w := newTwins(t)
			for _, p := range append(insidePaths(), "new", "new/", "new/x", "dir/new", "dlink/new", "dir/sub/../new") {
				if skipChange(call.name, p) || strings.HasPrefix(call.name, "rename") && staysPut(w.own, p) {
					continue
				}
				if w.compare(call.name, call.nr, call.args(p)...) {
					w = newTwins(t)
				}
			}
		})
	}
}

// skipChange leaves out where the broker says something else on purpose: it
// opens no fifo, writes to no set-user-id file, and a root is not the granted
// directory's to move or remove.
func skipChange(call, p string) bool {
	switch p {
	case "fifo", "sock", "suid":
		return strings.HasPrefix(call, "open") || p == "suid" && call == "truncate"
	case "", "/", "/.", "/./", "dir/..", "dlink/..", "dir/up", "dir/up/", "dot":
		return call == "rmdir" || call == "unlinkat" || strings.HasPrefix(call, "rename")
	}
	return strings.Trim(p, "/") == ""
}

// staysPut tells what the broker does not move (TestMoveRefused).
func staysPut(root, p string) bool {
	path := strings.TrimRight(root+"/"+p, "/")
	if s, err := os.Lstat(path); err == nil && !s.IsDir() && !s.Mode().IsRegular() {
		return true
	}
	real, err := filepath.EvalSymlinks(path)
	return err == nil && real == root+"/dir" // which has a link in it
}

// TestModes: the bits that would make a host file run with its owner's rights
// are never set, whatever is asked for.
func TestModes(t *testing.T) {
	root := tree(t)
	b, _ := grant(t, root)
	f := newFake(t)
	f.call(b, unix.SYS_MKDIR, root+"/made", 0o7777)
	f.call(b, unix.SYS_CREAT, root+"/made/file", 0o7777)
	for p, want := range map[string]uint32{"made": 0o700, "made/file": 0o600} {
		var s unix.Stat_t
		must(t, unix.Stat(root+"/"+p, &s))
		if s.Mode&0o7777 != want {
			t.Errorf("mode of %s = %o; want %o", p, s.Mode&0o7777, want)
		}
	}
	if _, errno := f.call(b, unix.SYS_OPEN, root+"/suid", unix.O_WRONLY, 0); errno != unix.EPERM {
		t.Errorf("open of a set-user-id file to write = %v; want EPERM", errno)
	}
}

// TestReadOnlyRoot: without Write nothing changes, whatever is decided.
func TestReadOnlyRoot(t *testing.T) {
	root := tree(t)
	p := &recorded{rules: []rule{{path: "/", effect: allow}}}
	b := newBroker(t, Options{Decide: p.decide, Roots: []Root{{Path: root}}})
	f := newFake(t)
	before := snapshot(t, root)
	for name, errno := range map[string]func() (int64, unix.Errno){
		"open to write": func() (int64, unix.Errno) { return f.call(b, unix.SYS_OPEN, root+"/file", unix.O_WRONLY, 0) },
		"truncate open": func() (int64, unix.Errno) { return f.call(b, unix.SYS_OPEN, root+"/file", unix.O_TRUNC, 0) },
		"create":        func() (int64, unix.Errno) { return f.call(b, unix.SYS_CREAT, root+"/new", 0o600) },
		"temporary":     func() (int64, unix.Errno) { return f.call(b, unix.SYS_OPEN, root, unix.O_TMPFILE|unix.O_RDWR, 0) },
		"truncate":      func() (int64, unix.Errno) { return f.call(b, unix.SYS_TRUNCATE, root+"/file", 0) },
		"mkdir":         func() (int64, unix.Errno) { return f.call(b, unix.SYS_MKDIR, root+"/new", 0o700) },
		"rmdir":         func() (int64, unix.Errno) { return f.call(b, unix.SYS_RMDIR, root+"/dir/empty") },
		"unlink":        func() (int64, unix.Errno) { return f.call(b, unix.SYS_UNLINK, root+"/file") },
		"rename":        func() (int64, unix.Errno) { return f.call(b, unix.SYS_RENAME, root+"/file", root+"/new") },
		"access":        func() (int64, unix.Errno) { return f.call(b, unix.SYS_ACCESS, root+"/file", unix.W_OK) },
	} {
		if _, got := errno(); got != unix.EROFS {
			t.Errorf("%s below a read-only root = %v; want EROFS", name, got)
		}
	}
	if after := snapshot(t, root); after != before {
		t.Errorf("the tree changed:\n%s", difference(after, before))
	}
}

// TestAttributes: those of host files never change.
func TestAttributes(t *testing.T) {
	root := tree(t)
	p := &recorded{rules: []rule{{path: "/", effect: allow}, {path: "", effect: allow}}}
	b := newBroker(t, Options{Decide: func(o syscallpolicy.Operation) syscallpolicy.Decision { p.decide(o); return allow },
		Roots: []Root{{Path: root, Write: true}}})
	f := newFake(t)
	fd, errno := f.call(b, unix.SYS_OPEN, root+"/file", unix.O_RDWR, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	before := snapshot(t, root)
	file, own := root+"/file", os.Getpid()
	for _, call := range []struct {
		name string
		nr   int
		args []any
	}{
		{"chmod", unix.SYS_CHMOD, []any{file, 0o4777}}, {"fchmod", unix.SYS_FCHMOD, []any{int(fd), 0o4777}},
		{"fchmodat", unix.SYS_FCHMODAT, []any{unix.AT_FDCWD, file, 0o4777}}, {"fchmodat2", 452, []any{unix.AT_FDCWD, file, 0o4777, 0}},
		{"chown", unix.SYS_CHOWN, []any{file, 1, 1}}, {"fchown", unix.SYS_FCHOWN, []any{int(fd), 1, 1}},
		{"utimensat", unix.SYS_UTIMENSAT, []any{unix.AT_FDCWD, file, 0, 0}}, {"futimens", unix.SYS_UTIMENSAT, []any{int(fd), 0, 0, 0}},
		{"setxattr", unix.SYS_SETXATTR, []any{file, "user.x", "y", 1, 0}},
		{"flock", unix.SYS_FLOCK, []any{int(fd), unix.LOCK_EX}},
		{"F_SETLK", unix.SYS_FCNTL, []any{int(fd), unix.F_SETLK, make([]byte, 32)}},
		{"F_GETLK", unix.SYS_FCNTL, []any{int(fd), unix.F_GETLK, make([]byte, 32)}},
		{"F_OFD_SETLK", unix.SYS_FCNTL, []any{int(fd), unix.F_OFD_SETLK, make([]byte, 32)}},
		{"F_SETLEASE", unix.SYS_FCNTL, []any{int(fd), unix.F_SETLEASE, unix.F_RDLCK}},
		{"F_SETOWN", unix.SYS_FCNTL, []any{int(fd), unix.F_SETOWN, own}},
		{"F_NOTIFY", unix.SYS_FCNTL, []any{int(fd), unix.F_NOTIFY, 1}},
		{"link", unix.SYS_LINK, []any{file, root + "/new"}}, {"symlink", unix.SYS_SYMLINK, []any{"/etc", root + "/new"}},
		{"mknod", unix.SYS_MKNOD, []any{root + "/new", unix.S_IFIFO | 0o600, 0}},
	} {
		if _, got := f.call(b, call.nr, call.args...); got != unix.EPERM {
			t.Errorf("%s of a host file = %v; want EPERM", call.name, got)
		}
	}
	if after := snapshot(t, root); after != before {
		t.Errorf("the tree changed:\n%s", difference(after, before))
	}
}
