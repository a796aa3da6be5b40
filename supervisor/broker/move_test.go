package broker

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMoveRefused: what is no file and no directory stays where the host put
// it, alone or in a directory, whichever way it would be moved.
func TestMoveRefused(t *testing.T) {
	root := tree(t)
	b, _ := grant(t, root)
	f := newFake(t)
	must(t, os.MkdirAll(root+"/deep/er/est", 0o700))
	must(t, unix.Mkfifo(root+"/deep/er/est/fifo", 0o600))
	before := snapshot(t, root)
	for path, want := range map[string]unix.Errno{
		"link": unix.EPERM, "abs": unix.EPERM, "dlink": unix.EPERM, "dangling": unix.EPERM, "out": unix.EPERM, "dir/up": unix.EPERM,
		"fifo": unix.EPERM, "sock": unix.EPERM, "dir": unix.EXDEV, "deep": unix.EXDEV, "deep/er/est": unix.EXDEV,
	} {
		for _, to := range []string{"moved", "dir/empty/moved", "deep/moved"} {
			a := f.answer(b, unix.SYS_RENAME, root+"/"+path, root+"/"+to)
			if a.Errno != want || a.Refused == "" {
				t.Errorf("rename(%q, %q) = %v, %q; want %v and why", path, to, a.Errno, a.Refused, want)
			}
		}
		for _, pair := range [][2]string{{path, "file"}, {"file", path}} {
			_, got := f.call(b, unix.SYS_RENAMEAT2, unix.AT_FDCWD, root+"/"+pair[0], unix.AT_FDCWD, root+"/"+pair[1], unix.RENAME_EXCHANGE)
			if got != want {
				t.Errorf("exchange of %q and %q = %v; want %v", pair[0], pair[1], got, want)
			}
		}
	}
	if after := snapshot(t, root); after != before {
		t.Errorf("the tree changed:\n%s", difference(after, before))
	}
}

// TestMove: files and directories of them move, and take a link's or a fifo's
// name.
func TestMove(t *testing.T) {
	root := tree(t)
	b, _ := grant(t, root)
	f := newFake(t)
	for _, pair := range [][2]string{
		{"file", "dir/empty/moved"}, {"dir/sub", "moved"}, {"moved/deep", "deep"}, {"dir/a", "link"}, {"dir/b", "fifo"}, {"deep", "dir/empty2"},
	} {
		if _, got := f.call(b, unix.SYS_RENAME, root+"/"+pair[0], root+"/"+pair[1]); got != 0 {
			t.Errorf("rename(%q, %q) = %v; want none", pair[0], pair[1], got)
		}
		if _, err := os.Lstat(root + "/" + pair[1]); err != nil {
			t.Error(err)
		}
	}
}

// TestMoveLarge: what is too large to be looked through is not moved.
func TestMoveLarge(t *testing.T) {
	root := tree(t)
	b, _ := grant(t, root)
	f := newFake(t)
	for i := range maxFolders - 2 {
		must(t, os.MkdirAll(fmt.Sprint(root, "/large/", i), 0o700))
	}
	steps := []struct {
		path string
		want unix.Errno
	}{{"large/more", 0}, {"large/one too many", unix.EXDEV}}
	from, to := root+"/large", root+"/large2"
	for _, step := range steps {
		must(t, os.Mkdir(from+"/"+filepath.Base(step.path), 0o700))
		_, got := f.call(b, unix.SYS_RENAME, from, to)
		if got != step.want {
			t.Errorf("rename with %q = %v; want %v", step.path, got, step.want)
		}
		from, to = to, from
	}
	must(t, os.Mkdir(root+"/wide", 0o700))
	for i := range maxInside + 1 {
		must(t, os.WriteFile(fmt.Sprint(root, "/wide/", i), nil, 0o600))
	}
	if _, got := f.call(b, unix.SYS_RENAME, root+"/wide", root+"/wide2"); got != unix.EXDEV {
		t.Errorf("rename of a directory with too many files = %v; want EXDEV", got)
	}
}

// TestMovePolicy: what the policy says of both ends counts, for files and for
// directories, and both of an exchange.
func TestMovePolicy(t *testing.T) {
	root := tree(t)
	must(t, os.Rename(root+"/dir/up", root+"/up"))
	type question struct {
		old, new string
		tree     bool
	}
	var asked []question
	b := newBroker(t, Options{Decide: allowAll, Roots: []Root{{Path: root, Write: true}}, Movable: func(old, new string, tree bool) bool {
		asked = append(asked, question{old[len(root):], new[len(root):], tree})
		return old != root+"/dir/sub" && new != root+"/dir/c"
	}})
	f := newFake(t)
	for _, test := range []struct {
		old, new string
		flags    int
		want     unix.Errno
		asked    []question
	}{
		{"/dir/sub", "/moved", 0, unix.EXDEV, []question{{"/dir/sub", "/moved", true}}},
		{"/dir/a", "/dir/c", 0, unix.EXDEV, []question{{"/dir/a", "/dir/c", false}}},
		{"/dir/c", "/dir/d", 0, 0, []question{{"/dir/c", "/dir/d", false}}},
		{"/dir/empty", "/dir/sub", unix.RENAME_EXCHANGE, unix.EXDEV, []question{{"/dir/empty", "/dir/sub", true}, {"/dir/sub", "/dir/empty", true}}},
		{"/dir", "/dir2", 0, 0, []question{{"/dir", "/dir2", true}}},
	} {
		asked = nil
		_, got := f.call(b, unix.SYS_RENAMEAT2, unix.AT_FDCWD, root+test.old, unix.AT_FDCWD, root+test.new, test.flags)
		if got != test.want || fmt.Sprint(asked) != fmt.Sprint(test.asked) {
			t.Errorf("rename(%q, %q) = %v, asks %v; want %v, %v", test.old, test.new, got, asked, test.want, test.asked)
		}
	}
	silent := newBroker(t, Options{Decide: allowAll, Roots: []Root{{Path: root, Write: true}}})
	for path, want := range map[string]unix.Errno{"/file": 0, "/dir2": unix.EXDEV} {
		if _, got := f.call(silent, unix.SYS_RENAME, root+path, root+"/moved"); got != want {
			t.Errorf("rename(%q) where nothing is said = %v; want %v", path, got, want)
		}
	}
}

// TestMoveGrants: a directory in which something else was granted stays where
// it was granted.
func TestMoveGrants(t *testing.T) {
	root := tree(t)
	must(t, os.Remove(root+"/dir/up"))
	must(t, os.Symlink(root+"/dir/sub", filepath.Dir(root)+"/alias"))
	movable := func(string, string, bool) bool { return true }
	for name, opts := range map[string]Options{
		"another root":       {Roots: []Root{{Path: root + "/dir/sub"}}},
		"a file":             {Roots: []Root{{Path: root + "/dir/a"}}},
		"a root by a link":   {Roots: []Root{{Path: filepath.Dir(root) + "/alias"}}},
		"a virtual file":     {Files: map[string]string{root + "/dir/a": "virtual"}},
		"a root deeper down": {Roots: []Root{{Path: root + "/dir/sub/deep"}}},
	} {
		opts.Decide, opts.Movable = allowAll, movable
		opts.Roots = append(opts.Roots, Root{Path: root, Write: true})
		b := newBroker(t, opts)
		a := newFake(t).answer(b, unix.SYS_RENAME, root+"/dir", root+"/moved")
		if a.Errno != unix.EBUSY || a.Refused != whyRoots {
			t.Errorf("rename of a directory with %s = %v, %q; want EBUSY", name, a.Errno, a.Refused)
		}
	}
}

// TestMoveRelativeLink: to the sandbox a moved link would be no gain, as what
// it leads to is decided by where that lies.
func TestMoveRelativeLink(t *testing.T) {
	root := tree(t)
	b, p := grant(t, root)
	f := newFake(t)
	must(t, os.Symlink("../../secret", root+"/dir/sub/deep/rel")) // nothing is there
	must(t, os.Rename(root+"/dir/sub/deep/rel", root+"/dir/rel")) // by the host: it leads out now
	if fd, errno := f.call(b, unix.SYS_OPEN, root+"/dir/rel", unix.O_RDONLY, 0); errno != unix.EPERM {
		t.Errorf("open of a link that leads out by now = %d, %v; want EPERM", fd, errno)
	}
	want := "open " + filepath.Dir(root) + "/secret"
	if asked := p.targets(); len(asked) != 2 || asked[1] != want {
		t.Errorf("asks %q; want %q at last", asked, want)
	}
}
