package broker

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMaxFile: no call makes a file of the host longer than the limit. Scratch
// has a size of its own.
func TestMaxFile(t *testing.T) {
	root := tree(t)
	scratch, err := NewScratch(1<<20, 100)
	must(t, err)
	b := newBroker(t, Options{Decide: allowAll, Roots: []Root{{Path: root, Write: true}}, Scratch: scratch, MaxFile: 1000})
	f := newFake(t)
	for path, beyond := range map[string]unix.Errno{root + "/file": unix.EFBIG, "/tmp/file": 0} {
		fd, errno := f.call(b, unix.SYS_OPEN, path, unix.O_CREAT|unix.O_RDWR, 0o600)
		if errno != 0 {
			t.Fatal(errno)
		}
		for _, test := range []struct {
			size int
			want unix.Errno
		}{{1000, 0}, {1001, beyond}, {1 << 62, beyond}, {-1, unix.EINVAL}, {-1 << 63, unix.EINVAL}, {0, 0}} {
			a := f.answer(b, unix.SYS_TRUNCATE, path, test.size)
			c := f.answer(b, unix.SYS_FTRUNCATE, int(fd), test.size)
			if a.Errno != test.want || c.Errno != test.want {
				t.Errorf("truncate(%q, %d) = %v, ftruncate %v; want %v", path, test.size, a.Errno, c.Errno, test.want)
			}
			if test.want == unix.EFBIG && (a.Refused != whySize || c.Refused != whySize) {
				t.Errorf("refused as %q and %q; want %q", a.Refused, c.Refused, whySize)
			}
		}
	}
	silent := newBroker(t, Options{Decide: allowAll, Roots: []Root{{Path: root, Write: true}}})
	for size, want := range map[int]unix.Errno{0: 0, 1: unix.EFBIG} {
		if _, got := f.call(silent, unix.SYS_TRUNCATE, root+"/file", size); got != want {
			t.Errorf("truncate to %d where no limit is named = %v; want %v", size, got, want)
		}
	}
}

// TestMaxMade: every way to make a name on the host counts, and only what was
// made.
func TestMaxMade(t *testing.T) {
	root := tree(t)
	scratch, err := NewScratch(1<<20, 100)
	must(t, err)
	b := newBroker(t, Options{Decide: allowAll, Roots: []Root{{Path: root, Write: true}}, Scratch: scratch})
	f := newFake(t)
	ways := map[string][]any{
		"creat": {unix.SYS_CREAT, root + "/new", 0o600}, "open": {unix.SYS_OPEN, root + "/new", unix.O_CREAT | unix.O_EXCL | unix.O_RDWR, 0o600},
		"O_TMPFILE": {unix.SYS_OPEN, root, unix.O_TMPFILE | unix.O_RDWR, 0o600}, "mkdir": {unix.SYS_MKDIR, root + "/new", 0o700},
	}
	for name, call := range ways {
		before := b.made.Load()
		if _, errno := f.call(b, call[0].(int), call[1:]...); errno != 0 {
			t.Errorf("%s = %v; want none", name, errno)
		}
		if got := b.made.Load() - before; got != 1 {
			t.Errorf("%s counts as %d; want 1", name, got)
		}
		os.Remove(root + "/new")
	}
	must(t, os.WriteFile(root+"/new", nil, 0o600))
	before := b.made.Load()
	for _, call := range [][]any{
		{unix.SYS_CREAT, root + "/new", 0o600}, ways["open"], ways["mkdir"], {unix.SYS_MKDIR, root + "/missing/x", 0o700},
		{unix.SYS_MKDIR, "/tmp/x", 0o700}, {unix.SYS_CREAT, "/tmp/y", 0o600}, {unix.SYS_RENAME, root + "/new", root + "/new2"},
	} {
		f.call(b, call[0].(int), call[1:]...)
	}
	if got := b.made.Load() - before; got != 0 {
		t.Errorf("calls that make nothing on the host count as %d", got)
	}
	b.made.Store(maxMade - 1)
	must(t, os.Remove(root+"/new2"))
	if _, errno := f.call(b, unix.SYS_CREAT, root+"/last", 0o600); errno != 0 {
		t.Errorf("the last file = %v; want none", errno)
	}
	for name, call := range ways {
		a := f.answer(b, call[0].(int), call[1:]...)
		if a.Errno != unix.EDQUOT || a.Refused != whyMade {
			t.Errorf("%s beyond the limit = %v, %q; want EDQUOT", name, a.Errno, a.Refused)
		}
	}
	if _, err := os.Lstat(root + "/new"); err == nil {
		t.Error("a file beyond the limit was made")
	}
	if _, errno := f.call(b, unix.SYS_OPEN, root+"/last", unix.O_CREAT|unix.O_RDWR, 0o600); errno != 0 {
		t.Errorf("open of a file that is there = %v; want none", errno)
	}
	if _, errno := f.call(b, unix.SYS_MKDIR, "/tmp/z", 0o700); errno != 0 {
		t.Errorf("mkdir in scratch = %v; want none", errno)
	}
}

// TestWriteLimit: what a sandbox writes through the broker's descriptors ends
// at its own RLIMIT_FSIZE, as an error that Python raises and not as a signal.
func TestWriteLimit(t *testing.T) {
	root := tree(t)
	const limit = 1 << 20
	b := newBroker(t, Options{Decide: allowAll, Roots: []Root{{Path: root, Write: true}}, MaxFile: limit})
	got := runPythonLimited(t, b, fmt.Sprintf(`
import errno, os

def attempt(what, action):
    try:
        print(what, action())
    except OSError as e:
        print(what, errno.errorcode[e.errno])

fd = os.open(%q, os.O_CREAT | os.O_RDWR, 0o600)
attempt("up to it", lambda: os.pwrite(fd, bytes(2 << 20), 0))
attempt("behind it", lambda: os.pwrite(fd, b"x", 1 << 20))
attempt("far behind", lambda: os.pwrite(fd, b"x", 1 << 50))
attempt("truncate", lambda: os.truncate(fd, 1 << 50))
attempt("fallocate", lambda: os.posix_fallocate(fd, 0, 1 << 50))
f = open(%q, "wb", buffering=1 << 22)
f.write(bytes(2 << 20))
attempt("buffered", f.close)
print(os.fstat(fd).st_size)
`, root+"/big", root+"/big2"), func(pid int) {
		must(t, unix.Prlimit(pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: limit}, nil))
	})
	want := "up to it 1048576\nbehind it EFBIG\nfar behind EFBIG\ntruncate EFBIG\nfallocate ENOSYS\nbuffered EFBIG\n1048576\n"
	if got != want {
		t.Errorf("the model printed\n%s\nwant\n%s", got, want)
	}
	for _, name := range []string{"big", "big2"} {
		if s, err := os.Stat(root + "/" + name); err != nil || s.Size() > limit {
			t.Errorf("%s: %v, %v; want at most %d bytes", name, s, err, limit)
		}
	}
}
