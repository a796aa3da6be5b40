package broker

import (
	"bytes"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// What the broker answers is compared with what the kernel says to the same
// call on the same tree.

func TestStatAsKernel(t *testing.T) {
	root := tree(t)
	b, _ := grant(t, root)
	f := newFake(t)
	for _, p := range insidePaths() {
		path := root + "/" + p
		for _, call := range []struct {
			name string
			args func(buffer []byte) []any
			nr   int
			size int
		}{
			{"stat", func(s []byte) []any { return []any{path, s} }, unix.SYS_STAT, sizeofStat},
			{"lstat", func(s []byte) []any { return []any{path, s} }, unix.SYS_LSTAT, sizeofStat},
			{"newfstatat", func(s []byte) []any { return []any{unix.AT_FDCWD, path, s, 0} }, unix.SYS_NEWFSTATAT, sizeofStat},
			{"newfstatat nofollow", func(s []byte) []any {
				return []any{unix.AT_FDCWD, path, s, unix.AT_SYMLINK_NOFOLLOW}
			}, unix.SYS_NEWFSTATAT, sizeofStat},
			{"statx", func(s []byte) []any {
				return []any{unix.AT_FDCWD, path, 0, unix.STATX_BASIC_STATS | unix.STATX_BTIME, s}
			}, unix.SYS_STATX, sizeofStatx},
			{"readlink", func(s []byte) []any { return []any{path, s, len(s)} }, unix.SYS_READLINK, 300},
			{"readlink short", func(s []byte) []any { return []any{path, s, len(s)} }, unix.SYS_READLINK, 3},
		} {
			want, got := make([]byte, call.size), make([]byte, call.size)
			wantValue, wantErrno := kernelCall(t, call.nr, call.args(want)...)
			gotValue, gotErrno := f.call(b, call.nr, call.args(got)...)
			if wantErrno == 0 {
				hideOwner(call.nr, want)
			}
			if gotErrno != wantErrno || gotValue != wantValue || !bytes.Equal(got, want) {
				t.Errorf("%s(%.60q) = %d, %v, % x; want %d, %v, % x", call.name, p, gotValue, gotErrno, got, wantValue, wantErrno, want)
			}
		}
	}
}

// hideOwner is the one difference.
func hideOwner(nr int, b []byte) {
	switch nr {
	case unix.SYS_STAT, unix.SYS_LSTAT, unix.SYS_NEWFSTATAT:
		statOf(b).Uid, statOf(b).Gid = overflow, overflow
	case unix.SYS_STATX:
		statxOf(b).Uid, statxOf(b).Gid = overflow, overflow
	}
}

func TestAccessAsKernel(t *testing.T) {
	root := tree(t)
	b, _ := grant(t, root)
	f := newFake(t)
	for _, p := range insidePaths() {
		path := root + "/" + p
		for _, mode := range []int{unix.F_OK, unix.R_OK, 8} {
			_, want := kernelCall(t, unix.SYS_ACCESS, path, mode)
			if _, got := f.call(b, unix.SYS_ACCESS, path, mode); got != want {
				t.Errorf("access(%.60q, %d) = %v; want %v", p, mode, got, want)
			}
			_, want = kernelCall(t, unix.SYS_FACCESSAT2, unix.AT_FDCWD, path, mode, unix.AT_SYMLINK_NOFOLLOW)
			if _, got := f.call(b, unix.SYS_FACCESSAT2, unix.AT_FDCWD, path, mode, unix.AT_SYMLINK_NOFOLLOW); got != want {
				t.Errorf("faccessat2(%.60q, %d, nofollow) = %v; want %v", p, mode, got, want)
			}
		}
	}
}

func TestOpenAsKernel(t *testing.T) {
	root := tree(t)
	b, _ := grant(t, root)
	f := newFake(t)
	for _, p := range insidePaths() {
		path := root + "/" + p
		for _, flags := range []int{
			unix.O_RDONLY, unix.O_RDONLY | unix.O_NOFOLLOW, unix.O_RDONLY | unix.O_DIRECTORY, unix.O_DIRECTORY | unix.O_NOFOLLOW,
			unix.O_WRONLY, unix.O_RDWR | unix.O_APPEND, unix.O_RDWR | unix.O_DIRECTORY, unix.O_RDONLY | unix.O_SYNC, unix.O_TMPFILE,
			unix.O_PATH, unix.O_PATH | unix.O_DIRECTORY, unix.O_PATH | unix.O_WRONLY, unix.O_RDONLY | unix.O_NOATIME | unix.O_ASYNC,
			unix.O_RDONLY | 1<<31, unix.O_CREAT | unix.O_DIRECTORY, unix.O_RDONLY | unix.O_EXCL,
		} {
			// Opening what is no file is the difference, so the kernel is only
			// asked by a look whether it would come to that.
			if isSpecialFile(path, flags) {
				continue
			}
			want := describe(kernelCall(t, unix.SYS_OPENAT, unix.AT_FDCWD, path, flags|unix.O_NONBLOCK, 0))
			fd, errno := f.call(b, unix.SYS_OPENAT, unix.AT_FDCWD, path, flags, 0)
			inside := int64(none)
			if errno == 0 {
				inside = int64(f.files[int(fd)])
			}
			if got := describe(inside, errno); got != want && !knownDifference(p, flags, got) {
				t.Errorf("openat(%.60q, %#o) = %s; want %s", p, flags, got, want)
			}
			f.closeAll()
		}
	}
}

// known are the differences: set-user-id files are not written to.
func knownDifference(p string, flags int, got string) bool {
	return p == "suid" && flags&unix.O_ACCMODE != unix.O_RDONLY && got == unix.EPERM.Error()
}

func isSpecialFile(path string, flags int) bool {
	var s unix.Stat_t
	if flags&(unix.O_NOFOLLOW|unix.O_PATH) == unix.O_NOFOLLOW|unix.O_PATH {
		return true
	}
	if unix.Stat(path, &s) != nil {
		return false
	}
	kind := s.Mode & unix.S_IFMT
	return kind != unix.S_IFREG && kind != unix.S_IFDIR
}

// describe says which file was opened and how, and closes it.
func describe(fd int64, errno unix.Errno) string {
	if errno != 0 {
		return errno.Error()
	}
	var s unix.Stat_t
	if err := unix.Fstat(int(fd), &s); err != nil {
		return err.Error()
	}
	flags, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	unix.Close(int(fd))
	if flags&unix.O_PATH != 0 {
		flags = 0 // the broker's reads
	}
	flags &= unix.O_ACCMODE | unix.O_APPEND | unix.O_SYNC
	return fmt.Sprintf("inode %d flags %#o", s.Ino, flags)
}
