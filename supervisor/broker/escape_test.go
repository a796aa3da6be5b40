package broker

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

func allowAll(syscallpolicy.Operation) syscallpolicy.Decision { return allow }

// TestOutside: with a policy that allows everything, the roots alone hold.
func TestOutside(t *testing.T) {
	root := tree(t)
	b := newBroker(t, Options{Decide: allowAll, Roots: []Root{{Path: root, Write: true}}})
	f := newFake(t)
	top := filepath.Dir(root)
	for _, p := range []string{
		root + "/out", root + "/outdir/secret", root + "/absout", root + "/absoutdir/passwd", root + "/outdir", root + "/../secret",
		root + "/dir/../../secret", root + "/dlink/../../secret", root + "/dir/up/../secret", top, top + "/secret", top + "/rootx",
		"/", "/etc/passwd", "/proc/self/environ", "/proc/self/root", "/proc/self/root" + root + "/file", "/dev/null",
		"/proc/self/fd/0", "/proc/thread-self/cwd/x", "/..", "/../..", "/dev/fd/0",
	} {
		for _, call := range []struct {
			name string
			nr   int
			args []any
		}{
			{"open", unix.SYS_OPEN, []any{p, unix.O_RDONLY, 0}}, {"open O_PATH", unix.SYS_OPEN, []any{p, unix.O_PATH, 0}},
			{"open O_CREAT", unix.SYS_OPEN, []any{p, unix.O_CREAT | unix.O_RDWR, 0o600}},
			{"stat", unix.SYS_STAT, []any{p, make([]byte, sizeofStat)}}, {"access", unix.SYS_ACCESS, []any{p, unix.F_OK}},
			{"truncate", unix.SYS_TRUNCATE, []any{p, 0}},
		} {
			a := f.answer(b, call.nr, call.args...)
			if a.Errno != unix.EACCES || a.Refused != whyNoRoot {
				t.Errorf("%s(%q) = %d, %v, %q; want EACCES, %q", call.name, p, a.Value, a.Errno, a.Refused, whyNoRoot)
			}
		}
	}
	for _, p := range []string{"fifo", "sock"} {
		if a := f.answer(b, unix.SYS_OPEN, root+"/"+p, unix.O_RDWR, 0); a.Errno != unix.EACCES || a.Refused != whyType {
			t.Errorf("open(%q) = %d, %v, %q; want EACCES, %q", p, a.Value, a.Errno, a.Refused, whyType)
		}
	}
	if content, err := os.ReadFile(top + "/secret"); string(content) != "outside" {
		t.Errorf("the file outside holds %q, %v", content, err)
	}
}

// TestDevice: a device below a grant is not opened, which alone could act.
func TestDevice(t *testing.T) {
	root := tree(t)
	if err := unix.Mknod(root+"/device", unix.S_IFCHR|0o600, int(unix.Mkdev(1, 5))); err != nil {
		if err == unix.EPERM {
			return // without privileges there is no device to be had
		}
		t.Fatal(err)
	}
	b, _ := grant(t, root)
	a := newFake(t).answer(b, unix.SYS_OPEN, root+"/device", unix.O_RDONLY, 0)
	if a.Errno != unix.EACCES || a.Refused != whyType {
		t.Errorf("open of a device = %d, %v, %q; want EACCES", a.Value, a.Errno, a.Refused)
	}
}

// TestNotProbed: of names that the policy refuses not even the existence
// shows, whichever way a text leads through them.
func TestNotProbed(t *testing.T) {
	root := tree(t)
	scratch, err := NewScratch(1<<20, 100)
	must(t, err)
	p := &recorded{rules: []rule{{path: root + "/dir/sub", effect: syscallpolicy.Decision{}}, {path: root, effect: allow},
		{path: "/tmp", effect: allow}}}
	b := newBroker(t, Options{Decide: p.decide, Roots: []Root{{Path: root, Write: true}}, Scratch: scratch})
	f := newFake(t)
	for _, name := range []string{"deep", "d", "missing", "deep/more"} {
		back := strings.Repeat("/..", strings.Count(name, "/")+2)
		if _, errno := f.call(b, unix.SYS_SYMLINK, root+"/dir/sub/"+name+back+"/a", "/tmp/link"); errno != 0 {
			t.Fatal(errno)
		}
		for _, text := range []string{
			root + "/dir/sub/" + name, root + "/dir/sub/" + name + back + "/a", root + "/dlink/sub/" + name,
			root + "/dir/./sub/" + name + "/.." + back + "/dir/a", "/tmp/link", "/tmp/../tmp/link",
		} {
			for call, args := range map[int][]any{
				unix.SYS_STAT: {text, make([]byte, sizeofStat)}, unix.SYS_OPEN: {text, unix.O_RDONLY, 0},
				unix.SYS_RENAME: {text, root + "/moved"}, unix.SYS_CHDIR: {text},
			} {
				if call == unix.SYS_RENAME && text == "/tmp/link" || call == unix.SYS_RENAME && text == "/tmp/../tmp/link" {
					continue // the link's own name
				}
				if _, errno := f.call(b, call, args...); errno != unix.EPERM {
					t.Errorf("call %d of %q = %v; want EPERM", call, text, errno)
				}
			}
		}
		f.call(b, unix.SYS_UNLINK, "/tmp/link")
	}
}

// TestDecided: what is asked for a text, and no more.
func TestDecided(t *testing.T) {
	root := tree(t)
	b, p := grant(t, root)
	f := newFake(t)
	for _, test := range []struct {
		text string
		want []string
	}{
		{"file", []string{"open /file"}}, {"./dir//a", []string{"open /dir/a"}},
		{"link", []string{"open /link", "open /file"}}, {"abs", []string{"open /abs", "open /file"}},
		{"dlink/a", []string{"open /dlink/a", "open /dir/a"}},
		{"dir/sub/../a", []string{"open /dir/a", "stat /dir/sub"}},
		{"dlink/../file", []string{"open /file", "stat /dlink", "open /file", "stat /dir"}},
		{"updown", []string{"open /updown", "open /dir/a", "stat /dir"}},
		{"dir", []string{"open /dir", "list /dir"}}, {"missing", []string{"open /missing"}},
	} {
		f.call(b, unix.SYS_OPEN, root+"/"+test.text, unix.O_RDONLY, 0)
		got := p.targets()
		for i := range got {
			got[i] = strings.Replace(got[i], root, "", 1)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("open(%q) asks %q; want %q", test.text, got, test.want)
		}
	}
}

// TestHostileDirectories: relative paths start only from directories that
// were granted.
func TestHostileDirectories(t *testing.T) {
	root := tree(t)
	top := filepath.Dir(root)
	b := newBroker(t, Options{Decide: allowAll, Roots: []Root{{Path: root, Write: true}}})
	f := newFake(t)
	must(t, os.MkdirAll(root+"/gone", 0o700))
	gone := f.hold(root+"/gone", unix.O_DIRECTORY)
	must(t, os.Remove(root+"/gone"))
	must(t, os.MkdirAll(root+"/moved", 0o700))
	moved := f.hold(root+"/moved", unix.O_DIRECTORY)
	must(t, os.Rename(root+"/moved", top+"/moved"))
	must(t, os.WriteFile(top+"/moved/file", nil, 0o600))
	replaced := f.hold(root+"/dir/empty", unix.O_DIRECTORY)
	must(t, os.Rename(root+"/dir/empty", top+"/empty"))
	must(t, os.MkdirAll(root+"/dir/empty (deleted)", 0o700))
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	must(t, err)
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	socket, err := f.Inject(Descriptor(pair[0]), true)
	must(t, err)
	for _, test := range []struct {
		name string
		fd   int
		want unix.Errno
	}{
		{"a directory", f.hold(root+"/dir", unix.O_DIRECTORY), unix.ENOENT}, // has no "file"
		{"the root", f.hold(root, unix.O_PATH), 0},
		{"none", 999, unix.EBADF}, {"-1", -1, unix.EBADF}, {"a file", f.hold(root+"/file", unix.O_RDONLY), unix.ENOTDIR},
		{"a socket", socket, unix.ENOTDIR}, {"a device", f.hold("/dev/null", unix.O_RDONLY), unix.ENOTDIR},
		{"the directory above", f.hold(top, unix.O_DIRECTORY), unix.EACCES}, {"/", f.hold("/", unix.O_PATH), unix.EACCES},
		{"/proc/self", f.hold("/proc/self", unix.O_DIRECTORY), unix.EACCES},
		{"/proc/self/fd", f.hold("/proc/self/fd", unix.O_DIRECTORY), unix.EACCES},
		{"a deleted one", gone, unix.ENOENT}, {"one moved out", moved, unix.EACCES}, {"one replaced", replaced, unix.EACCES},
		{"of a mount that is nowhere", f.hold(lookalike(t, root), unix.O_PATH), unix.ENOENT},
	} {
		for call, args := range map[int][]any{
			unix.SYS_OPENAT: {test.fd, "file", unix.O_RDONLY, 0}, unix.SYS_NEWFSTATAT: {test.fd, "file", make([]byte, sizeofStat), 0},
			unix.SYS_FACCESSAT2: {test.fd, "file", 0, 0}, unix.SYS_UNLINKAT: {test.fd, "nofile", 0},
		} {
			want := test.want
			if call == unix.SYS_UNLINKAT && want == 0 {
				want = unix.ENOENT
			}
			if _, errno := f.call(b, call, args...); errno != want {
				t.Errorf("call %d from %s = %v; want %v", call, test.name, errno, want)
			}
		}
		if _, errno := f.call(b, unix.SYS_FCHDIR, test.fd); errno == 0 && !strings.HasPrefix(b.currentDirectory(), root) {
			t.Errorf("fchdir to %s leads to %q", test.name, b.currentDirectory())
		}
	}
}

// lookalike is a directory on a detached mount that the kernel names like a
// granted one.
func lookalike(t *testing.T, path string) string {
	t.Helper()
	mount, err := NewScratch(1<<20, 100)
	must(t, err)
	t.Cleanup(func() { mount.Close() })
	at := "/proc/self/fd/" + strconv.Itoa(int(mount.Fd()))
	must(t, os.MkdirAll(at+path, 0o700))
	must(t, os.WriteFile(at+path+"/file", nil, 0o600))
	return at + path
}

// TestMountBelow: what is mounted below a grant is not granted with it, unless
// it is a grant of its own.
func TestMountBelow(t *testing.T) {
	root := tree(t)
	at := root + "/dir/empty"
	if err := unix.Mount("none", at, "tmpfs", 0, ""); err != nil {
		if err == unix.EPERM {
			return // without privileges nothing is mounted there either
		}
		t.Fatal(err)
	}
	defer unix.Unmount(at, unix.MNT_DETACH)
	must(t, os.WriteFile(at+"/file", []byte("mounted"), 0o600))
	f := newFake(t)
	b, _ := grant(t, root)
	for _, p := range []string{at, at + "/file", root + "/dlink/empty/file", at + "/../empty/file", at + "/new"} {
		if a := f.answer(b, unix.SYS_OPEN, p, unix.O_RDWR|unix.O_CREAT, 0o600); a.Errno != unix.EACCES || a.Refused != whyMount {
			t.Errorf("open(%q) = %d, %v, %q; want EACCES, %q", p, a.Value, a.Errno, a.Refused, whyMount)
		}
	}
	both := newBroker(t, Options{Decide: allowAll, Roots: []Root{{Path: root}, {Path: at}}})
	for _, p := range []string{at + "/file", root + "/dlink/empty/file", at + "/../empty/file"} {
		if _, errno := f.call(both, unix.SYS_OPEN, p, unix.O_RDONLY, 0); errno != 0 {
			t.Errorf("open(%q) where the mount is granted = %v; want a descriptor", p, errno)
		}
	}
}

// TestGone: nothing read from a thread that does not wait any more is decided.
func TestGone(t *testing.T) {
	root := tree(t)
	b, p := grant(t, root)
	f := newFake(t)
	f.during = func(int) { f.gone = true }
	for _, call := range [][]any{
		{unix.SYS_OPEN, root + "/file", unix.O_RDWR, 0}, {unix.SYS_STAT, root + "/file", make([]byte, sizeofStat)},
		{unix.SYS_UNLINK, root + "/file"}, {unix.SYS_RENAME, root + "/file", root + "/file2"}, {unix.SYS_MKDIR, root + "/m", 0},
		{unix.SYS_CONNECT, 0, make([]byte, 16), 16}, {unix.SYS_EXECVE, "/bin/sh", 0, 0}, {unix.SYS_CHDIR, root},
	} {
		f.gone = false
		if a := f.answer(b, call[0].(int), call[1:]...); !a.Gone {
			t.Errorf("call %d of a thread that died = %+v; want Gone", call[0], a)
		}
	}
	if asked := p.targets(); len(asked) != 0 {
		t.Errorf("decided for a thread that died: %q", asked)
	}
}
