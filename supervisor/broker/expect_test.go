package broker

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// TestRaceFifo: one thread of the sandbox moves a fifo to where another opens
// a file that was there before. The fifo is never opened, not even for a
// moment.
func TestRaceFifo(t *testing.T) {
	root := tree(t)
	b, p := grant(t, root)
	f, g := newFake(t), newFake(t)
	opened := opens(t, root+"/fifo")
	stop := against(t, func(int) {
		g.call(b, unix.SYS_RENAMEAT2, unix.AT_FDCWD, root+"/fifo", unix.AT_FDCWD, root+"/file", unix.RENAME_EXCHANGE)
		runtime.Gosched() // let the path be expected again
	})
	got := map[string]int{}
	for range rounds {
		for range 3 {
			if fd, errno := f.call(b, unix.SYS_OPEN, root+"/file", unix.O_RDONLY, 0); errno != 0 {
				got[errno.Error()]++
			} else {
				got["opened"]++
				f.close(int(fd))
			}
		}
		p.targets()
	}
	stop()
	t.Log(got)
	if n := opened(); n != 0 {
		t.Errorf("the fifo was opened %d times", n)
	}
}

// TestExpected: the second open of a path is made at once, and a rename by any
// sandbox puts an end to that.
func TestExpected(t *testing.T) {
	root := tree(t)
	b, _ := grant(t, root)
	other, _ := grant(t, root)
	f := newFake(t)
	open := func(path string) unix.Errno {
		fd, errno := f.call(b, unix.SYS_OPEN, root+path, unix.O_RDONLY, 0)
		if errno == 0 {
			if c := f.content(fd); c != "content of file" {
				t.Errorf("open(%q) gave %q", path, c)
			}
		}
		return errno
	}
	open("/file")
	if !b.expected.has(root + "/file") {
		t.Error("a path that led to a file is not expected to do so again")
	}
	open("/file")
	newFake(t).call(other, unix.SYS_RENAME, root+"/dir/a", root+"/dir/z")
	if b.expected.has(root + "/file") {
		t.Error("a path is expected to lead to a file after a rename")
	}
	for _, change := range []struct {
		name string
		make func() error
		want unix.Errno
	}{
		{"removed", func() error { return os.Remove(root + "/file") }, unix.ENOENT},
		{"a directory", func() error { return os.Mkdir(root+"/file", 0o700) }, 0},
		{"a link", func() error { os.Remove(root + "/file"); return os.Symlink("/etc/passwd", root+"/file") }, unix.EPERM},
		{"a fifo", func() error { os.Remove(root + "/file"); return unix.Mkfifo(root+"/file", 0o600) }, unix.EACCES},
	} {
		b.expected.add(root+"/file", renames.count.Load())
		must(t, change.make())
		fd, errno := f.call(b, unix.SYS_OPEN, root+"/file", unix.O_RDONLY, 0)
		if errno != change.want {
			t.Errorf("open of an expected file that is %s by now = %d, %v; want %v", change.name, fd, errno, change.want)
		}
		if b.expected.has(root + "/file") {
			t.Errorf("a path is expected to lead to a file that is %s", change.name)
		}
	}
}
