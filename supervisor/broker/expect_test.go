package broker

import (
	"fmt"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// TestRaceFifo: one thread of the sandbox moves a fifo, and a directory that
// has one, to where another opens a file that was there before. Neither is
// moved, and the fifo is never opened, not even for a moment.
func TestRaceFifo(t *testing.T) {
	root := tree(t)
	must(t, os.Mkdir(root+"/bad", 0o700))
	must(t, unix.Mkfifo(root+"/bad/a", 0o600))
	for _, dir := range []string{"/plain", "/plain2"} {
		must(t, os.Mkdir(root+dir, 0o700))
		must(t, os.WriteFile(root+dir+"/a", nil, 0o600))
	}
	b, p := grant(t, root)
	f, g := newFake(t), newFake(t)
	opened, below := opens(t, root+"/fifo"), opens(t, root+"/bad/a")
	moves := map[unix.Errno]int{}
	stop := against(t, func(int) {
		for from, to := range map[string]string{"/fifo": "/file", "/bad": "/plain", "/plain": "/plain2", "/plain2": "/plain"} {
			_, errno := g.call(b, unix.SYS_RENAMEAT2, unix.AT_FDCWD, root+from, unix.AT_FDCWD, root+to, unix.RENAME_EXCHANGE)
			moves[errno]++
		}
		runtime.Gosched() // let the path be expected again
	})
	got := map[string]int{}
	for range rounds {
		for _, text := range []string{"/file", "/plain/a"} {
			if fd, errno := f.call(b, unix.SYS_OPEN, root+text, unix.O_RDONLY, 0); errno != 0 {
				got[errno.Error()]++
			} else {
				got["opened"]++
				f.close(int(fd))
			}
		}
		p.targets()
	}
	stop()
	t.Log(got, moves)
	if n := opened() + below(); n != 0 {
		t.Errorf("a fifo was opened %d times", n)
	}
	if moves[unix.EPERM] == 0 || moves[unix.EXDEV] == 0 || moves[0] == 0 {
		t.Errorf("moves ended in %v; want some of EPERM, of EXDEV and of none", moves)
	}
}

// TestExpected: the second open of a path is made at once, and finds out what
// else the host has put there.
func TestExpected(t *testing.T) {
	root := tree(t)
	b, _ := grant(t, root)
	f := newFake(t)
	for range 2 {
		fd, errno := f.call(b, unix.SYS_OPEN, root+"/file", unix.O_RDONLY, 0)
		if errno != 0 {
			t.Fatal(errno)
		}
		if c := f.content(fd); c != "content of file" {
			t.Errorf("open gave %q", c)
		}
		if !b.expected.has(root + "/file") {
			t.Error("a path that led to a file is not expected to do so again")
		}
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
		b.expected.add(root + "/file")
		must(t, change.make())
		fd, errno := f.call(b, unix.SYS_OPEN, root+"/file", unix.O_RDONLY, 0)
		if errno != change.want {
			t.Errorf("open of an expected file that is %s by now = %d, %v; want %v", change.name, fd, errno, change.want)
		}
		if b.expected.has(root + "/file") {
			t.Errorf("a path is expected to lead to a file that is %s", change.name)
		}
	}
	for i := range 2 * maxExpected {
		b.expected.add(fmt.Sprint(root, "/", i))
	}
	if n := len(b.expected.paths); n > maxExpected {
		t.Errorf("%d paths are expected; want at most %d", n, maxExpected)
	}
}
