package broker

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"hotcell/internal/require"
)

const user, group = 4242, 4243 // that no account has

// TestAdopted: what root's sandbox makes in a user's directory is the user's.
func TestAdopted(t *testing.T) {
	if !isRoot {
		require.Skip(t, "needs root, to give files away")
	}
	root := tree(t)
	b, _ := grant(t, root)
	f := newFake(t)
	for _, dir := range []struct {
		name     string
		uid, gid int
		mode     uint32
		want     [2]uint32
	}{
		{"users", user, group, 0o755, [2]uint32{user, group}},
		{"shared", user, group, 0o2775, [2]uint32{user, group}},
		{"roots", 0, group, 0o1777, [2]uint32{0, 0}},
		{"nobodys", unmapped, unmapped, 0o777, [2]uint32{0, 0}},
	} {
		top := root + "/" + dir.name
		must(t, os.Mkdir(top, 0o700))
		must(t, os.Chown(top, dir.uid, dir.gid))
		must(t, unix.Chmod(top, dir.mode))
		for _, call := range [][]any{
			{unix.SYS_CREAT, top + "/file", 0o600}, {unix.SYS_MKDIR, top + "/dir", 0o700}, {unix.SYS_CREAT, top + "/dir/inner", 0o600},
			{unix.SYS_MKDIR, top + "/dir/dir", 0o700},
		} {
			if _, errno := f.call(b, call[0].(int), call[1:]...); errno != 0 {
				t.Fatalf("call %d of %q = %v", call[0], call[1], errno)
			}
			var s unix.Stat_t
			must(t, unix.Lstat(call[1].(string), &s))
			if [2]uint32{s.Uid, s.Gid} != dir.want || s.Mode&0o077 != 0 {
				t.Errorf("%s belongs to %d:%d, mode %o; want %v, 600 or 700", call[1], s.Uid, s.Gid, s.Mode&0o7777, dir.want)
			}
		}
		fd, errno := f.call(b, unix.SYS_OPEN, top, unix.O_TMPFILE|unix.O_RDWR, 0o600)
		if errno != 0 {
			t.Fatal(errno)
		}
		var s unix.Stat_t
		must(t, unix.Fstat(int(f.files[int(fd)]), &s))
		if s.Uid != dir.want[0] {
			t.Errorf("a file without a name in %s belongs to %d; want %d", top, s.Uid, dir.want[0])
		}
	}
	if _, errno := f.call(b, unix.SYS_CREAT, root+"/users/file", 0o600); errno != 0 {
		t.Errorf("creat of a file that is there = %v; want none", errno)
	}
}

// TestRaceAdopted: while a thread makes directories, another puts one of
// root's in their place. It stays root's.
func TestRaceAdopted(t *testing.T) {
	if !isRoot {
		require.Skip(t, "needs root, to give files away")
	}
	root := tree(t)
	b, p := grant(t, root)
	f, g := newFake(t), newFake(t)
	must(t, os.Mkdir(root+"/users", 0o700))
	must(t, os.Chown(root+"/users", user, group))
	must(t, os.MkdirAll(root+"/roots/full", 0o700)) // so that rmdir leaves it
	held, err := unix.Open(root+"/roots", unix.O_PATH|unix.O_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(held)
	swapped := 0
	stop := against(t, func(int) {
		_, errno := g.call(b, unix.SYS_RENAMEAT2, unix.AT_FDCWD, root+"/roots", unix.AT_FDCWD, root+"/users/new", unix.RENAME_EXCHANGE)
		if errno == 0 {
			swapped++
			g.call(b, unix.SYS_RMDIR, root+"/roots")
			g.call(b, unix.SYS_RENAME, root+"/users/new", root+"/roots")
		}
	})
	for range rounds {
		f.call(b, unix.SYS_MKDIR, root+"/users/new", 0o700)
		runtime.Gosched()
		f.call(b, unix.SYS_RMDIR, root+"/users/new")
		p.targets()
		b.made.Store(0)
	}
	stop()
	t.Logf("swapped %d times", swapped)
	if swapped == 0 {
		t.Error("nothing was swapped in the race")
	}
	var s unix.Stat_t
	must(t, unix.Fstat(held, &s))
	if s.Uid != 0 || s.Gid != 0 {
		t.Errorf("root's directory belongs to %d:%d", s.Uid, s.Gid)
	}
}
