package broker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

func TestNewRefuses(t *testing.T) {
	root := tree(t)
	for name, opts := range map[string]Options{
		"a relative root":          {Roots: []Root{{Path: "file"}}},
		"a root with a NUL":        {Roots: []Root{{Path: root + "/file\x00x"}}},
		"a root below nothing":     {Roots: []Root{{Path: root + "/missing/x"}}},
		"a root below a file":      {Roots: []Root{{Path: root + "/file/x"}}},
		"a root that is a loop":    {Roots: []Root{{Path: root + "/self"}}},
		"a relative virtual file":  {Files: map[string]string{"x": ""}},
		"a dotted virtual file":    {Files: map[string]string{"/a/../x": ""}},
		"a virtual file with NULs": {Files: map[string]string{"/a\x00": ""}},
	} {
		if b, err := New(opts); err == nil {
			b.Close()
			t.Errorf("New with %s = nil; want an error", name)
		}
	}
	file, err := os.Open(root + "/file")
	must(t, err)
	if _, err := New(Options{Scratch: file}); err == nil {
		t.Error("New with a file as scratch = nil; want an error")
	}
	if _, err := NewScratch(0, 10); err == nil {
		t.Error("NewScratch(0, 10) = nil; want an error: no size is no limit")
	}
}

// TestRoots: the nearest root counts, links in its own path were followed, and
// a file is granted without its neighbours.
func TestRoots(t *testing.T) {
	root := tree(t)
	must(t, os.Symlink(root+"/dir", filepath.Dir(root)+"/alias"))
	alias := filepath.Dir(root) + "/alias"
	b := newBroker(t, Options{Decide: allowAll, Roots: []Root{
		{Path: alias}, {Path: alias + "/sub", Write: true}, {Path: root + "/link", Write: true}, {Path: root + "/new.csv", Write: true},
	}})
	f := newFake(t)
	for _, test := range []struct {
		path  string
		flags int
		want  unix.Errno
	}{
		{alias + "/a", unix.O_RDONLY, 0}, {alias + "/a", unix.O_RDWR, unix.EROFS}, {alias + "/sub/d", unix.O_RDWR, 0},
		{alias + "/sub/new", unix.O_CREAT | unix.O_RDWR, 0}, {alias + "/new", unix.O_CREAT | unix.O_RDWR, unix.EROFS},
		{root + "/link", unix.O_RDWR, 0}, {root + "/file", unix.O_RDONLY, unix.EACCES}, {root + "/dir/a", unix.O_RDONLY, unix.EACCES},
		{root + "/new.csv", unix.O_RDONLY, unix.ENOENT}, {root + "/new.csv", unix.O_CREAT | unix.O_RDWR, 0},
		{root + "/new.csv", unix.O_RDONLY, 0}, {root + "/new.csv/x", unix.O_RDONLY, unix.ENOTDIR},
		{root + "/new.csv2", unix.O_RDONLY, unix.EACCES}, {root, unix.O_RDONLY, unix.EACCES},
		{alias, unix.O_RDONLY, 0}, {alias + "/up", unix.O_RDONLY, unix.EACCES},
	} {
		fd, errno := f.call(b, unix.SYS_OPEN, test.path, test.flags, 0o600)
		if errno != test.want {
			t.Errorf("open(%q, %#o) = %v; want %v", test.path, test.flags, errno, test.want)
		}
		if errno == 0 && test.path == alias {
			if _, errno := f.call(b, unix.SYS_OPENAT, int(fd), "a", unix.O_RDONLY, 0); errno != 0 {
				t.Errorf("openat from a root that was named by a link = %v; want a descriptor", errno)
			}
		}
	}
	for _, call := range []int{unix.SYS_UNLINK, unix.SYS_RMDIR, unix.SYS_MKDIR} {
		if _, errno := f.call(b, call, root+"/link", 0); errno != unix.EACCES {
			t.Errorf("call %d of a granted file = %v; want EACCES", call, errno)
		}
	}
	must(t, b.Grant(Root{Path: root + "/file"}))
	if _, errno := f.call(b, unix.SYS_OPEN, root+"/file", unix.O_RDONLY, 0); errno != 0 {
		t.Errorf("open of what was granted meanwhile = %v; want a descriptor", errno)
	}
	must(t, b.Grant(Root{Path: root + "/file", Write: true}))
	must(t, b.Grant(Root{Path: root + "/file"}))
	if _, errno := f.call(b, unix.SYS_OPEN, root+"/file", unix.O_RDWR, 0); errno != 0 {
		t.Errorf("open to write of what was granted again = %v; want a descriptor", errno)
	}
}

// TestRootMoved: a root is the directory that was granted, not its name.
func TestRootMoved(t *testing.T) {
	root := tree(t)
	b, _ := grant(t, root)
	f := newFake(t)
	must(t, os.Rename(root, root+"2"))
	must(t, os.Mkdir(root, 0o700))
	must(t, os.WriteFile(root+"/file", []byte("another"), 0o600))
	fd, errno := f.call(b, unix.SYS_OPEN, root+"/file", unix.O_RDONLY, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	if got := f.content(fd); got != "content of file" {
		t.Errorf("the granted root's file holds %q", got)
	}
}

// TestDenied: a refusal is the decision's errno, whatever the file is.
func TestDenied(t *testing.T) {
	root := tree(t)
	for _, test := range []struct {
		d    syscallpolicy.Decision
		want unix.Errno
	}{
		{syscallpolicy.Decision{}, unix.EPERM}, {syscallpolicy.Decision{Errno: unix.ENOENT}, unix.ENOENT},
		{syscallpolicy.Decision{Effect: syscallpolicy.Kill}, unix.EPERM}, {syscallpolicy.Decision{Effect: syscallpolicy.Ask}, unix.EPERM},
		{syscallpolicy.Decision{Effect: 99}, unix.EPERM},
	} {
		b := newBroker(t, Options{Decide: func(syscallpolicy.Operation) syscallpolicy.Decision { return test.d },
			Roots: []Root{{Path: root, Write: true}}})
		f := newFake(t)
		for _, call := range [][]any{
			{unix.SYS_OPEN, root + "/file", 0, 0}, {unix.SYS_OPEN, root + "/missing", 0, 0}, {unix.SYS_STAT, root, make([]byte, 144)},
			{unix.SYS_MKDIR, root + "/dir", 0}, {unix.SYS_RENAME, root + "/file", "/x"}, {unix.SYS_PTRACE, 0, 1, 0, 0},
			{unix.SYS_EXECVE, "/bin/sh", 0, 0}, {unix.SYS_CONNECT, 3, make([]byte, 16), 16}, {unix.SYS_CHDIR, "/"},
			{unix.SYS_CHMOD, root + "/file", 0}, {unix.SYS_SYMLINK, "x", root + "/new"},
		} {
			if _, got := f.call(b, call[0].(int), call[1:]...); got != test.want {
				t.Errorf("call %d decided %v = %v; want %v", call[0], test.d, got, test.want)
			}
		}
	}
}

// TestNoDecider: without one everything is refused.
func TestNoDecider(t *testing.T) {
	root := tree(t)
	b := newBroker(t, Options{Roots: []Root{{Path: root}}})
	if _, got := newFake(t).call(b, unix.SYS_OPEN, root+"/file", 0, 0); got != unix.EPERM {
		t.Errorf("open without a decider = %v; want EPERM", got)
	}
}

// TestBadPointers: every call number with pointers to nowhere ends in an
// answer, and is decided or fails.
func TestBadPointers(t *testing.T) {
	root := tree(t)
	scratch, err := NewScratch(1<<20, 100)
	must(t, err)
	b := newBroker(t, Options{Decide: allowAll, Roots: []Root{{Path: root, Write: true}}, Scratch: scratch, Network: &Network{}})
	f := newFake(t)
	dir := f.hold(root, unix.O_DIRECTORY)
	socket, _ := f.call(b, unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0)
	for nr := range 600 {
		for _, first := range []int{0, -100, dir, int(socket), 1 << 40} {
			for _, pointer := range []uint64{0, 1, memoryBase - 1, memoryBase + uint64(len(f.memory)) - 1, ^uint64(0), 1 << 63} {
				a := f.answer(b, nr, first, pointer, pointer, pointer, pointer, pointer)
				fine := a.Errno != 0 || a.Value >= 0
				if !fine {
					t.Errorf("call %d with bad pointers = %+v", nr, a)
				}
				f.answer(b, nr, pointer, pointer, pointer, pointer, pointer, pointer)
			}
		}
	}
}

// TestDirectory: the current directory is text that leads nowhere new.
func TestDirectory(t *testing.T) {
	root := tree(t)
	b, _ := grant(t, root)
	b.decide = allowAll
	f := newFake(t)
	cwd := func() string {
		buf := make([]byte, 5000)
		n, errno := f.call(b, unix.SYS_GETCWD, buf, len(buf))
		if errno != 0 {
			return errno.Error()
		}
		return string(buf[:n-1])
	}
	for _, test := range []struct {
		to   string
		want unix.Errno
		at   string
	}{
		{root, 0, root}, {"dir", 0, root + "/dir"}, {"up", 0, root}, {"dlink/sub/deep", 0, root + "/dir/sub/deep"},
		{"../../up", 0, root}, {"file", unix.ENOTDIR, root}, {"missing", unix.ENOENT, root}, {"", unix.ENOENT, root},
		{"fifo", unix.ENOTDIR, root}, {"absoutdir", unix.EACCES, root}, {"..", 0, filepath.Dir(root)}, {"/", 0, "/"},
		{"etc", unix.EACCES, "/"}, {".", 0, "/"}, {"..", 0, "/"}, {root[1:] + "/dir/.", 0, root + "/dir"},
	} {
		if _, errno := f.call(b, unix.SYS_CHDIR, test.to); errno != test.want || cwd() != test.at {
			t.Errorf("chdir(%q) = %v, at %q; want %v, %q", test.to, errno, cwd(), test.want, test.at)
		}
	}
	if _, errno := f.call(b, unix.SYS_GETCWD, make([]byte, 100), len(b.currentDirectory())); errno != unix.ERANGE {
		t.Errorf("getcwd into too little = %v; want ERANGE", errno)
	}
	for path, want := range map[string]unix.Errno{"a": 0, "./sub/d": 0, "../file": 0, "../../secret": unix.EACCES} {
		if _, errno := f.call(b, unix.SYS_OPEN, path, 0, 0); errno != want {
			t.Errorf("open(%q) from %s = %v; want %v", path, cwd(), errno, want)
		}
	}
	if here, _ := os.Getwd(); strings.HasPrefix(here, root) {
		t.Errorf("the supervisor itself is in %s", here)
	}
}
