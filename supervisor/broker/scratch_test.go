package broker

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"hotcell/child"
	"hotcell/internal/require"
)

const (
	rootlessName = "broker-rootless" // an ordinary user who uses scratch
	nobody       = 65534
)

var errNoNamespace = errors.New("no user namespaces for ordinary users here")

// rootless uses scratch as an ordinary user.
func rootless() error {
	if _, err := child.MountScratch(1<<20, 100); !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("MountScratch without privileges = %v; want EPERM", err)
	}
	scratch, err := NewScratch(1<<20, 100)
	if failed, ok := errors.AsType[*child.StageError](err); ok {
		return fmt.Errorf("%w: %w", errNoNamespace, failed)
	}
	if err != nil {
		return err
	}
	before := descriptors() // with those of the runtime's poller
	other, err := NewScratch(1<<20, 100)
	if err != nil {
		return err
	}
	other.Close()
	if after := descriptors(); after != before {
		return fmt.Errorf("%d descriptors before a scratch, %d after it", before, after)
	}
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
		return fmt.Errorf("a maker of scratch is left: %v", err)
	}
	b, err := New(Options{Decide: allowAll, Scratch: scratch})
	if err != nil {
		return err
	}
	defer b.Close()
	f := newFake(&testing.T{})
	for _, call := range [][]any{
		{unix.SYS_MKDIR, "/tmp/a", 0o700}, {unix.SYS_OPEN, "/tmp/a/f", unix.O_CREAT | unix.O_RDWR, 0o600}, {unix.SYS_FTRUNCATE, 3, 1000},
		{unix.SYS_OPEN, "/tmp/a/f", unix.O_RDONLY, 0}, {unix.SYS_RENAME, "/tmp/a", "/tmp/b"}, {unix.SYS_CHMOD, "/tmp/b/f", 0o640},
		{unix.SYS_SYMLINK, "b", "/tmp/c"}, {unix.SYS_STAT, "/tmp/c/f", make([]byte, sizeofStat)}, {unix.SYS_UNLINK, "/tmp/c/f"},
	} {
		if _, errno := f.call(b, call[0].(int), call[1:]...); errno != 0 {
			return fmt.Errorf("call %d in scratch: %w", call[0], errno)
		}
	}
	return nil
}

func descriptors() int {
	names, _ := filepath.Glob("/proc/self/fd/*")
	return len(names)
}

// TestScratchRootless: a supervisor without privileges has its scratch made.
func TestScratchRootless(t *testing.T) {
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: []string{rootlessName}, Dir: "/", Env: []string{}}
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), errNoNamespace.Error()) {
		require.Skipf(t, "%s", out)
	}
	if err != nil {
		t.Errorf("scratch of an ordinary user: %v\n%s", err, out)
	}
}

// TestScratchNowhere: no path of the host leads to scratch, and with the
// broker and the sandbox's descriptors it is gone.
func TestScratchNowhere(t *testing.T) {
	b, _ := scratchBroker(t)
	f := newFake(t)
	if _, errno := f.call(b, unix.SYS_CREAT, "/tmp/here", 0o600); errno != 0 {
		t.Fatal(errno)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	must(t, err)
	if device := fmt.Sprintf(" %d:%d ", unix.Major(b.device), unix.Minor(b.device)); strings.Contains(string(mounts), device) {
		t.Errorf("scratch is mounted:\n%s", mounts)
	}
	if _, err := os.Stat("/tmp/here"); err == nil {
		t.Error("a file of scratch is in the host's /tmp")
	}
}

// TestScratchAttributes: what a copy of files does to its own.
func TestScratchAttributes(t *testing.T) {
	b, _ := scratchBroker(t)
	f := newFake(t)
	fd, errno := f.call(b, unix.SYS_OPEN, "/tmp/f", unix.O_CREAT|unix.O_RDWR, 0o600)
	if errno != 0 {
		t.Fatal(errno)
	}
	lock := make([]byte, 32)
	for _, test := range []struct {
		name string
		want unix.Errno
		args []any
	}{
		{"chmod", 0, []any{unix.SYS_CHMOD, "/tmp/f", 0o4750}}, {"fchmod", 0, []any{unix.SYS_FCHMOD, int(fd), 0o6750}},
		{"fchmodat", 0, []any{unix.SYS_FCHMODAT, unix.AT_FDCWD, "f", 0o1750}}, {"utimensat", 0, []any{unix.SYS_UTIMENSAT, unix.AT_FDCWD, "f", 0, 0}},
		{"futimens", 0, []any{unix.SYS_UTIMENSAT, int(fd), 0, 0, 0}}, {"flock", 0, []any{unix.SYS_FLOCK, int(fd), unix.LOCK_EX}},
		{"F_SETLKW", 0, []any{unix.SYS_FCNTL, int(fd), unix.F_SETLKW, lock}}, {"F_GETLK", 0, []any{unix.SYS_FCNTL, int(fd), unix.F_GETLK, lock}},
		{"F_SETFL", 0, []any{unix.SYS_FCNTL, int(fd), unix.F_SETFL, unix.O_APPEND}}, {"F_SETLEASE", unix.EPERM, []any{unix.SYS_FCNTL, int(fd), unix.F_SETLEASE, 0}},
		{"fsync", 0, []any{unix.SYS_FSYNC, int(fd)}}, {"fdatasync", 0, []any{unix.SYS_FDATASYNC, int(fd)}},
		{"ftruncate", 0, []any{unix.SYS_FTRUNCATE, int(fd), 77}}, {"ftruncate below zero", unix.EINVAL, []any{unix.SYS_FTRUNCATE, int(fd), -1}},
		{"listxattr", unix.EOPNOTSUPP, []any{unix.SYS_LISTXATTR, "/tmp/f", 0, 0}}, {"chown", unix.EPERM, []any{unix.SYS_CHOWN, "/tmp/f", 0, 0}},
		{"mknod", unix.EPERM, []any{unix.SYS_MKNOD, "/tmp/n", unix.S_IFIFO | 0o600, 0}}, {"statfs", 0, []any{unix.SYS_STATFS, "/tmp", make([]byte, 120)}},
	} {
		if _, errno := f.call(b, test.args[0].(int), test.args[1:]...); errno != test.want {
			t.Errorf("%s in scratch = %v; want %v", test.name, errno, test.want)
		}
	}
	if lock[0] != unix.F_UNLCK || lock[1] != 0 {
		t.Errorf("F_GETLK says %d; want F_UNLCK", lock[0])
	}
	var s unix.Stat_t
	if unix.Fstat(int(f.files[int(fd)]), &s); s.Mode&0o7777 != 0o750 || s.Size != 77 {
		t.Errorf("the file has mode %o and %d bytes; want 750, 77", s.Mode&0o7777, s.Size)
	}
}

// TestScratchLinks: a link in scratch is text. It is decided where it leads,
// and the kernel never follows it.
func TestScratchLinks(t *testing.T) {
	root := tree(t)
	b, p := scratchBroker(t, rule{path: root + "/dir", effect: allow})
	must(t, b.Grant(Root{Path: root, Write: true}))
	f := newFake(t)
	for target, path := range map[string]string{root + "/dir/a": "/tmp/in", root + "/file": "/tmp/refused", "/etc": "/tmp/etc", "in": "/tmp/two"} {
		if _, errno := f.call(b, unix.SYS_SYMLINK, target, path); errno != 0 {
			t.Fatal(errno)
		}
	}
	p.targets()
	for path, want := range map[string]unix.Errno{
		"/tmp/in": 0, "/tmp/two": 0, "/tmp/refused": unix.EPERM, "/tmp/etc": unix.EPERM, "/tmp/etc/": unix.EPERM, "/tmp/etc/passwd": unix.EPERM,
	} {
		for _, call := range [][]any{{unix.SYS_OPEN, path, unix.O_RDONLY, 0}, {unix.SYS_STAT, path, make([]byte, sizeofStat)}} {
			if _, errno := f.call(b, call[0].(int), call[1:]...); errno != want {
				t.Errorf("call %d of %q = %v; want %v", call[0], path, errno, want)
			}
		}
	}
	for _, call := range [][]any{
		{unix.SYS_CHMOD, "/tmp/in", 0o600}, {unix.SYS_UTIMENSAT, unix.AT_FDCWD, "/tmp/in", 0, 0}, {unix.SYS_LINK, "/tmp/etc/passwd", "/tmp/p"},
		{unix.SYS_LINK, root + "/dir/a", "/tmp/p"}, {unix.SYS_LINK, "/tmp/in", root + "/dir/new"}, {unix.SYS_LINK, "/tmp/etc/", "/tmp/p"},
		{unix.SYS_LINKAT, unix.AT_FDCWD, "/tmp/in", unix.AT_FDCWD, "/tmp/p", unix.AT_SYMLINK_FOLLOW},
	} {
		if _, errno := f.call(b, call[0].(int), call[1:]...); errno != unix.EPERM {
			t.Errorf("call %d of %q = %v; want EPERM", call[0], call[1:], errno)
		}
	}
	if _, errno := f.call(b, unix.SYS_RENAME, "/tmp/in", root+"/dir/in"); errno != unix.EXDEV {
		t.Errorf("rename out of scratch = %v; want EXDEV", errno)
	}
}
