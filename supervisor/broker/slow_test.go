package broker

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

func TestSlow(t *testing.T) {
	for nr, want := range map[int]bool{
		unix.SYS_CONNECT: true, unix.SYS_FSYNC: true, unix.SYS_FDATASYNC: true, unix.SYS_TRUNCATE: true, unix.SYS_FTRUNCATE: true,
		unix.SYS_UNLINK: true, unix.SYS_UNLINKAT: true, unix.SYS_RMDIR: true, unix.SYS_RENAME: true, unix.SYS_RENAMEAT: true,
		unix.SYS_RENAMEAT2: true, unix.SYS_MKDIR: true, unix.SYS_MKDIRAT: true, unix.SYS_OPENAT: false, unix.SYS_STAT: false, unix.SYS_GETDENTS64: false, unix.SYS_FLOCK: false,
		unix.SYS_SOCKET: false, unix.SYS_SYNC: false, 9999: false,
	} {
		if call := syscallpolicy.Classify(nr, [6]uint64{}); Slow(call) != want {
			t.Errorf("Slow(%s) = %v; want %v", call.Name, !want, want)
		}
	}
}

// stalled is a broker whose connections are being made until it is closed, and
// tells of each that has begun.
func stalled(t *testing.T) (b *Broker, begun <-chan struct{}) {
	began := make(chan struct{}, 2*maxSlow)
	return newBroker(t, Options{Decide: allowAll, Network: &Network{Grants: []string{"a.example:1"}, Timeout: time.Minute,
		Resolve: func(ctx context.Context, _ string) ([]netip.Addr, error) {
			began <- struct{}{}
			<-ctx.Done()
			return nil, errors.New("broken off")
		}}}), began
}

// TestSlowBound: no more than so many slow calls of a sandbox are under way,
// and others go on beside them.
func TestSlowBound(t *testing.T) {
	b, begun := stalled(t)
	f := newFake(t)
	fd, errno := f.call(b, unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	address := string(sockaddr("198.18.0.1:1")) // which nobody writes back to
	var calls sync.WaitGroup
	for range maxSlow {
		calls.Go(func() { f.thread().call(b, unix.SYS_CONNECT, int(fd), address, len(address)) })
	}
	for range maxSlow {
		<-begun
	}
	a := f.answer(b, unix.SYS_CONNECT, int(fd), address, len(address))
	if a.Errno != unix.EAGAIN || a.Refused != whySlow {
		t.Errorf("one connection more = %v, %q; want EAGAIN", a.Errno, a.Refused)
	}
	if _, errno := f.call(b, unix.SYS_GETCWD, make([]byte, 10), 10); errno != 0 {
		t.Errorf("getcwd beside slow calls = %v; want none", errno)
	}
	b.Close()
	calls.Wait()
	if n := b.slow.Load(); n != 0 {
		t.Errorf("%d slow calls are left when all have ended", n)
	}
}

// TestRaceThreads: many threads of one sandbox, on one table, make every kind
// of call at once; what one of them is given lies where it may.
func TestRaceThreads(t *testing.T) {
	root := tree(t)
	top := filepath.Dir(root)
	at := server(t)
	scratch, err := NewScratch(1<<20, 500)
	must(t, err)
	b := newBroker(t, Options{Scratch: scratch, Roots: []Root{{Path: root, Write: true}}, Network: &Network{Grants: []string{at.String()}}, MaxFile: 1000,
		Movable: func(string, string, bool) bool { return true },
		Named:   func(syscallpolicy.Operation) (syscallpolicy.Decision, bool) { return syscallpolicy.Decision{}, false },
		Decide: func(o syscallpolicy.Operation) syscallpolicy.Decision {
			if strings.HasSuffix(o.Target, "secret") {
				return syscallpolicy.Decision{}
			}
			return allow
		}})
	f := newFake(t)
	shared := f.hold(root+"/file", unix.O_RDWR)
	folder := f.hold(root+"/dir", unix.O_DIRECTORY)
	address := string(sockaddr(at.String()))
	var device uint64
	var s unix.Stat_t
	must(t, unix.Stat(root, &s))
	device = s.Dev
	parts := []func(f *fake, i int){
		func(f *fake, i int) {
			f.call(b, unix.SYS_RENAME, root+"/dir/sub", root+"/sub")
			f.call(b, unix.SYS_RENAME, root+"/sub", root+"/dir/sub")
		},
		func(f *fake, i int) {
			fd, errno := f.call(b, unix.SYS_OPEN, root+"/dir/new", unix.O_CREAT|unix.O_RDWR, 0o600)
			if errno == 0 {
				f.call(b, unix.SYS_FTRUNCATE, int(fd), 100)
				f.call(b, unix.SYS_FSYNC, int(fd))
				f.close(int(fd))
			}
			f.call(b, unix.SYS_UNLINK, root+"/dir/new")
		},
		func(f *fake, i int) {
			fd, errno := f.call(b, unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0)
			if errno == 0 && i%20 == 0 {
				f.call(b, unix.SYS_CONNECT, int(fd), address, len(address))
				f.call(b, unix.SYS_GETPEERNAME, int(fd), make([]byte, 28), []byte{28, 0, 0, 0})
			}
			f.close(int(fd))
		},
		func(f *fake, i int) {
			f.call(b, unix.SYS_CHDIR, []string{root, root + "/dir", "/tmp"}[i%3])
			f.call(b, unix.SYS_GETCWD, make([]byte, 200), 200)
			f.call(b, unix.SYS_UMASK, i&0o777)
			f.call(b, unix.SYS_FCHDIR, folder)
		},
		func(f *fake, i int) {
			f.call(b, unix.SYS_FDATASYNC, shared)
			f.call(b, unix.SYS_GETDENTS64, folder, make([]byte, 1000), 1000)
			f.call(b, unix.SYS_OPENAT, folder, "../../secret", unix.O_RDONLY, 0)
			f.call(b, unix.SYS_TRUNCATE, root+"/empty", i%100)
		},
		func(f *fake, i int) {
			for _, text := range []string{"a", "../file", "sub/d", root + "/dlink/a", "/tmp/x"} {
				fd, errno := f.call(b, unix.SYS_OPENAT, unix.AT_FDCWD, text, unix.O_RDONLY|unix.O_CREAT*(i%2), 0o600)
				if errno != 0 {
					continue
				}
				d, err := f.File(int(fd))
				if err != nil {
					continue
				}
				var s unix.Stat_t
				if d.stat(&s); s.Dev != device && s.Dev != b.device {
					t.Errorf("open(%q) gave a file of device %#x", text, s.Dev)
				}
				d.Close()
				f.close(int(fd))
			}
		},
		func(f *fake, i int) {
			if i%100 == 0 {
				b.Grant(Root{Path: root + "/dir/b"})
			}
			f.call(b, unix.SYS_SYMLINK, root+"/file", "/tmp/link")
			f.call(b, unix.SYS_STAT, "/tmp/link", make([]byte, sizeofStat))
			f.call(b, unix.SYS_UNLINK, "/tmp/link")
		},
	}
	var threads sync.WaitGroup
	for range 2 {
		for _, part := range parts {
			threads.Go(func() {
				g := f.thread()
				for i := range rounds / 10 {
					part(g, i)
				}
			})
		}
	}
	threads.Wait()
	if c, err := os.ReadFile(top + "/secret"); string(c) != "outside" {
		t.Errorf("the file outside holds %q, %v", c, err)
	}
}
