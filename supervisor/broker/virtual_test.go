package broker

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// virtually decides that a path has this content.
func virtually(path, content string) func(syscallpolicy.Operation) syscallpolicy.Decision {
	return func(o syscallpolicy.Operation) syscallpolicy.Decision {
		if o.Target == path {
			return syscallpolicy.Decision{Effect: syscallpolicy.Virtual, Content: content}
		}
		return allow
	}
}

func TestVirtual(t *testing.T) {
	root := tree(t)
	for name, b := range map[string]*Broker{
		"by decision": newBroker(t, Options{Decide: virtually("/v/config", "abc"), Roots: []Root{{Path: root, Write: true}}}),
		"by file": newBroker(t, Options{Decide: allowAll, Files: map[string]string{"/v/config": "abc"},
			Roots: []Root{{Path: root, Write: true}}}),
	} {
		f := newFake(t)
		for _, test := range []struct {
			call string
			want unix.Errno
			args []any
		}{
			{"open", 0, []any{unix.SYS_OPEN, "/v/config", unix.O_RDONLY, 0}},
			{"open, a longer way", 0, []any{unix.SYS_OPEN, "/v/../v//./config", unix.O_RDONLY | unix.O_NOFOLLOW, 0}},
			{"O_CREAT", 0, []any{unix.SYS_OPEN, "/v/config", unix.O_RDONLY | unix.O_CREAT, 0}},
			{"O_EXCL", unix.EEXIST, []any{unix.SYS_OPEN, "/v/config", unix.O_RDWR | unix.O_CREAT | unix.O_EXCL, 0}},
			{"write", unix.EROFS, []any{unix.SYS_OPEN, "/v/config", unix.O_WRONLY, 0}},
			{"O_TRUNC", unix.EROFS, []any{unix.SYS_OPEN, "/v/config", unix.O_TRUNC, 0}},
			{"O_DIRECTORY", unix.ENOTDIR, []any{unix.SYS_OPEN, "/v/config", unix.O_DIRECTORY, 0}},
			{"slash", unix.ENOTDIR, []any{unix.SYS_OPEN, "/v/config/", unix.O_RDONLY, 0}},
			{"stat", 0, []any{unix.SYS_STAT, "/v/config", make([]byte, sizeofStat)}},
			{"statx", 0, []any{unix.SYS_STATX, unix.AT_FDCWD, "/v/config", 0, unix.STATX_BASIC_STATS, make([]byte, sizeofStatx)}},
			{"F_OK", 0, []any{unix.SYS_ACCESS, "/v/config", unix.F_OK}}, {"R_OK", 0, []any{unix.SYS_ACCESS, "/v/config", unix.R_OK}},
			{"W_OK", unix.EROFS, []any{unix.SYS_ACCESS, "/v/config", unix.W_OK}},
			{"X_OK", unix.EACCES, []any{unix.SYS_ACCESS, "/v/config", unix.X_OK}},
			{"readlink", unix.EINVAL, []any{unix.SYS_READLINK, "/v/config", make([]byte, 10), 10}},
			{"truncate", unix.EROFS, []any{unix.SYS_TRUNCATE, "/v/config", 0}}, {"unlink", unix.EROFS, []any{unix.SYS_UNLINK, "/v/config"}},
			{"rename", unix.EROFS, []any{unix.SYS_RENAME, "/v/config", root + "/x"}},
			{"rename over", unix.EROFS, []any{unix.SYS_RENAME, root + "/file", "/v/config"}},
			{"mkdir", unix.EROFS, []any{unix.SYS_MKDIR, "/v/config", 0}}, {"chdir", unix.ENOTDIR, []any{unix.SYS_CHDIR, "/v/config"}},
			{"listxattr", unix.EOPNOTSUPP, []any{unix.SYS_LISTXATTR, "/v/config", 0, 0}},
		} {
			if _, errno := f.call(b, test.args[0].(int), test.args[1:]...); errno != test.want {
				t.Errorf("%s of a virtual file %s = %v; want %v", test.call, name, errno, test.want)
			}
		}
		one, _ := f.call(b, unix.SYS_OPEN, "/v/config", 0, 0)
		two, _ := f.call(b, unix.SYS_OPEN, "/v/config", 0, 0)
		checkVirtual(t, b, f, int(one), int(two))
	}
}

// checkVirtual: two opens have an offset each, and nothing changes what they
// read.
func checkVirtual(t *testing.T, b *Broker, f *fake, one, two int) {
	t.Helper()
	d := int(f.files[one])
	buf := make([]byte, 10)
	if n, err := unix.Read(d, buf); string(buf[:max(n, 0)]) != "abc" || err != nil {
		t.Errorf("read = %q, %v; want abc", buf[:n], err)
	}
	if n, _ := unix.Read(int(f.files[two]), buf); n != 3 {
		t.Errorf("read of a second open = %d; want 3: an offset of its own", n)
	}
	if _, err := unix.Pwrite(d, []byte("x"), 0); err != unix.EBADF {
		t.Errorf("write = %v; want EBADF", err)
	}
	if _, err := unix.Mmap(d, 0, 3, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err == nil {
		t.Error("a shared writable mapping = nil; want an error")
	}
	stat := make([]byte, sizeofStat)
	f.call(b, unix.SYS_STAT, "/v/config", stat)
	var s unix.Stat_t
	unix.Fstat(d, &s)
	if by := statOf(stat); by.Mode != s.Mode || by.Ino != s.Ino || by.Size != 3 || s.Mode != unix.S_IFREG|0o444 {
		t.Errorf("stat mode %o inode %d size %d, fstat mode %o inode %d", by.Mode, by.Ino, by.Size, s.Mode, s.Ino)
	}
}

// TestVirtualBounds: what is kept is bounded, and what is not kept still works
// and is given back.
func TestVirtualBounds(t *testing.T) {
	text := strings.Repeat("x", 1<<20)
	calls := 0
	b := newBroker(t, Options{Decide: func(o syscallpolicy.Operation) syscallpolicy.Decision {
		calls++
		return syscallpolicy.Decision{Effect: syscallpolicy.Virtual, Content: text + fmt.Sprint(calls)}
	}})
	f := newFake(t)
	for i := range 200 {
		fd, errno := f.call(b, unix.SYS_OPEN, fmt.Sprint("/v", i%100), 0, 0)
		if errno != 0 {
			t.Fatalf("open of virtual file %d = %v", i, errno)
		}
		var s unix.Stat_t
		if unix.Fstat(int(f.files[int(fd)]), &s); s.Size != int64(len(text)+len(fmt.Sprint(calls))) {
			t.Errorf("open of virtual file %d has %d bytes; want what was decided now", i, s.Size)
		}
		f.close(int(fd))
	}
	if len(b.virtual.files) > cacheFiles || b.virtual.bytes > cacheBytes {
		t.Errorf("keeps %d virtual files, %d bytes; want at most %d, %d", len(b.virtual.files), b.virtual.bytes, cacheFiles, cacheBytes)
	}
}
