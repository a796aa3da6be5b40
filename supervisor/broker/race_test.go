package broker

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// rounds of each race. The machines that test this have few processors, so
// both sides yield.
const rounds = 4000

// against runs a hostile loop beside a test's, until that is through.
func against(t *testing.T, hostile func(round int)) (stop func()) {
	t.Helper()
	var over atomic.Bool
	var done sync.WaitGroup
	done.Go(func() {
		for i := 0; !over.Load(); i++ {
			hostile(i)
			runtime.Gosched()
		}
	})
	stop = func() {
		over.Store(true)
		done.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// content reads what the sandbox got, and closes it.
func (f *fake) content(fd int64) string {
	var buf [64]byte
	n, err := unix.Pread(int(f.files[int(fd)]), buf[:], 0)
	f.close(int(fd))
	if err != nil {
		return err.Error()
	}
	return string(buf[:n])
}

// TestRaceLinks: a name is now a directory with a file, now a link to one
// outside, swapped at once.
func TestRaceLinks(t *testing.T) {
	root := tree(t)
	top := filepath.Dir(root)
	must(t, os.Mkdir(top+"/outside", 0o700))
	must(t, os.WriteFile(top+"/outside/a", []byte("outside"), 0o600))
	must(t, os.Symlink(top+"/outside", root+"/swap"))
	must(t, os.Symlink(top+"/outside/a", root+"/swapfile"))
	opened := opens(t, top+"/outside/a")
	b, p := grant(t, root)
	f := newFake(t)
	stop := against(t, func(int) {
		unix.Renameat2(unix.AT_FDCWD, root+"/swap", unix.AT_FDCWD, root+"/dir", unix.RENAME_EXCHANGE)
		unix.Renameat2(unix.AT_FDCWD, root+"/swapfile", unix.AT_FDCWD, root+"/file", unix.RENAME_EXCHANGE)
	})
	got := map[string]int{}
	for range rounds {
		for _, text := range []string{"/dir/a", "/swap/a", "/swap/../dir/a", "/dir/sub/../a", "/file", "/link", "/swapfile"} {
			fd, errno := f.call(b, unix.SYS_OPEN, root+text, unix.O_RDONLY, 0)
			if errno != 0 {
				got[errno.Error()]++
				continue
			}
			if c := f.content(fd); !strings.HasPrefix(c, "content of ") {
				t.Fatalf("open(%q) gave %q", text, c)
			}
			got["opened"]++
			f.call(b, unix.SYS_TRUNCATE, root+"/swap/a", len("content of dir/a"))
			if fd, errno := f.call(b, unix.SYS_CREAT, root+"/swap/new", 0o600); errno == 0 {
				f.close(int(fd))
			}
		}
		p.targets()
	}
	stop()
	if n := opened(); n != 0 {
		t.Errorf("the file outside was opened %d times", n)
	}
	if _, err := os.Stat(top + "/outside/new"); err == nil {
		t.Error("a file was made outside")
	}
	if c, _ := os.ReadFile(top + "/outside/a"); string(c) != "outside" {
		t.Errorf("the file outside holds %q", c)
	}
	t.Log(got)
	if got["opened"] == 0 {
		t.Error("nothing was opened in the race")
	}
}

// opens counts the opens of a file by anyone, but for those with O_PATH.
func opens(t *testing.T, path string) (count func() int) {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	_, err = unix.InotifyAddWatch(fd, path, unix.IN_OPEN)
	must(t, err)
	return func() int {
		buf := make([]byte, 1<<16)
		n, _ := unix.Read(fd, buf)
		return max(n, 0) / unix.SizeofInotifyEvent
	}
}

// TestRaceRenames: a directory on the way is moved out of the root and back,
// so that ".." of it leads outside.
func TestRaceRenames(t *testing.T) {
	root := tree(t)
	top := filepath.Dir(root)
	must(t, os.MkdirAll(top+"/x/y", 0o700))
	must(t, os.WriteFile(top+"/x/a", []byte("outside"), 0o600))
	must(t, os.WriteFile(top+"/x/file", []byte("outside"), 0o600))
	b, p := grant(t, root)
	f := newFake(t)
	held := f.hold(root+"/dir/sub", unix.O_DIRECTORY)
	against(t, func(int) {
		unix.Rename(root+"/dir/sub", top+"/x/y/sub")
		unix.Rename(top+"/x/y/sub", root+"/dir/sub")
	})
	got := map[string]int{}
	for range rounds {
		for _, text := range []string{"/dir/sub/d", "/dir/sub/../a", "/dir/sub/deep/../../a", "/dlink/sub/../../file"} {
			if fd, errno := f.call(b, unix.SYS_OPEN, root+text, unix.O_RDONLY, 0); errno != 0 {
				got[errno.Error()]++
			} else if c := f.content(fd); !strings.HasPrefix(c, "content of ") {
				t.Fatalf("open(%q) gave %q", text, c)
			}
		}
		for _, text := range []string{"../a", "../../file", "deep/../../a", "d"} {
			if fd, errno := f.call(b, unix.SYS_OPENAT, held, text, unix.O_RDONLY, 0); errno != 0 {
				got[errno.Error()]++
			} else if c := f.content(fd); !strings.HasPrefix(c, "content of ") {
				t.Fatalf("openat(%q) gave %q", text, c)
			}
		}
		f.call(b, unix.SYS_FCHDIR, held)
		if fd, errno := f.call(b, unix.SYS_OPEN, "../a", unix.O_RDONLY, 0); errno == 0 {
			if c := f.content(fd); !strings.HasPrefix(c, "content of ") {
				t.Fatalf("open from the current directory gave %q", c)
			}
		}
		p.targets()
	}
	t.Log(got)
}

// TestRaceMemory: what is opened is what was decided, while another thread
// writes over the path.
func TestRaceMemory(t *testing.T) {
	root := tree(t)
	var asked atomic.Pointer[string]
	b := newBroker(t, Options{Roots: []Root{{Path: root, Write: true}}, Decide: func(o syscallpolicy.Operation) syscallpolicy.Decision {
		asked.Store(&o.Target)
		if o.Target == root+"/dir/b" {
			return syscallpolicy.Decision{}
		}
		return allow
	}})
	f := newFake(t)
	// The text lies across two pages, so that it takes two reads.
	at := uint64(memoryBase + 2*pageSize - uint64(len(root)) - 3)
	texts := []string{root + "/dir/a\x00", root + "/dir/b\x00", root + "/dir/c\x00", root + "/file\x00\x00\x00"}
	against(t, func(i int) { f.Write(at, []byte(texts[i%len(texts)])) })
	f.during = func(read int) { f.Write(at+uint64(len(root)), []byte(texts[read%len(texts)][len(root):])) }
	opened := 0
	for range 10000 {
		fd, errno := f.call(b, unix.SYS_OPEN, at, unix.O_RDONLY, 0)
		if errno != 0 {
			continue
		}
		opened++
		want := "content of " + strings.TrimPrefix(*asked.Load(), root+"/")
		if c := f.content(fd); c != want || strings.HasSuffix(c, "/b") {
			t.Fatalf("decided %q, opened the file with %q", *asked.Load(), c)
		}
	}
	if opened == 0 {
		t.Error("nothing was opened in the race")
	}
}

// TestRaceOwnCalls: two threads of one sandbox change scratch under each
// other's calls; the broker stands, and nothing leaves scratch.
func TestRaceOwnCalls(t *testing.T) {
	scratch, err := NewScratch(1<<20, 500)
	must(t, err)
	b := newBroker(t, Options{Decide: allowAll, Scratch: scratch})
	f, g := newFake(t), newFake(t)
	for _, p := range []string{"/tmp/a", "/tmp/a/b", "/tmp/c"} {
		f.call(b, unix.SYS_MKDIR, p, 0o700)
	}
	stop := against(t, func(int) {
		g.call(b, unix.SYS_RENAME, "/tmp/a/b", "/tmp/c/b")
		g.call(b, unix.SYS_SYMLINK, "/etc", "/tmp/a/b")
		g.call(b, unix.SYS_CHDIR, "/tmp/c/b")
		g.call(b, unix.SYS_UNLINK, "/tmp/a/b")
		g.call(b, unix.SYS_RENAME, "/tmp/c/b", "/tmp/a/b")
	})
	for range rounds {
		for _, text := range []string{"/tmp/a/b/passwd", "passwd", "/tmp/a/b/../b/passwd", "/tmp/c/b/passwd"} {
			fd, errno := f.call(b, unix.SYS_OPEN, text, unix.O_RDWR|unix.O_CREAT, 0o600)
			if errno != 0 {
				continue
			}
			var s unix.Stat_t
			if unix.Fstat(int(f.files[int(fd)]), &s); s.Dev != b.device {
				t.Fatalf("open(%q) gave a file of device %#x, not scratch", text, s.Dev)
			}
			f.close(int(fd))
			f.call(b, unix.SYS_UNLINK, text)
		}
	}
	stop()
}

// TestRaceDescriptors: a descriptor that is closed and used again for
// something else names the one or the other, never both.
func TestRaceDescriptors(t *testing.T) {
	root := tree(t)
	b, _ := grant(t, root)
	f := newFake(t)
	fd := f.hold(root+"/dir", unix.O_DIRECTORY)
	other, err := unix.Open(filepath.Dir(root), unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(other)
	inside, err := unix.Open(root+"/dir", unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(inside)
	stop := against(t, func(i int) {
		f.InjectAt(Descriptor([]int{other, inside}[i%2]), fd, true)
	})
	buf := make([]byte, sizeofStat)
	for range rounds {
		for _, text := range []string{"secret", "root/file", "../secret"} {
			if _, errno := f.call(b, unix.SYS_NEWFSTATAT, fd, text, buf, 0); errno == 0 {
				t.Fatalf("stat(%q) of a descriptor that changes = 0; want an error", text)
			}
		}
		f.call(b, unix.SYS_NEWFSTATAT, fd, "a", buf, 0)
	}
	stop()
}
