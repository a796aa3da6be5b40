package broker

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// folder makes a directory in memory, where making trees costs a hundredth of
// what it does on a disk.
func folder(t testing.TB) string {
	t.Helper()
	base := "/dev/shm"
	if _, err := os.Stat(base); err != nil {
		base = ""
	}
	top, err := os.MkdirTemp(base, "broker")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(top) })
	top, err = filepath.EvalSymlinks(top)
	must(t, err)
	return top
}

// tree makes a directory with one of everything, and gives its real path.
func tree(t testing.TB) string {
	t.Helper()
	top := folder(t)
	root := filepath.Join(top, "root")
	for _, dir := range []string{"dir/sub/deep", "dir/empty"} {
		must(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	must(t, os.WriteFile(filepath.Join(top, "secret"), []byte("outside"), 0o644))
	for name, mode := range map[string]uint32{
		"file": 0o644, "empty": 0o600, "dir/a": 0o644, "dir/b": 0o444, "dir/c": 0o755, "dir/sub/d": 0o644,
		strings.Repeat("n", 255): 0o644, "new\nline": 0o644, "...": 0o644, "suid": 0o4755,
	} {
		path := filepath.Join(root, name)
		must(t, os.WriteFile(path, []byte("content of "+name), 0o600))
		must(t, unix.Chmod(path, mode))
	}
	links := map[string]string{
		"link": "file", "dlink": "dir", "dir/up": "..", "abs": root + "/file", "absdir": root + "/dir",
		"updown": "dir/../dir/a", "out": "../secret", "outdir": "..", "absout": top + "/secret", "absoutdir": "/etc",
		"loop1": "loop2", "loop2": "loop1", "self": "self", "dangling": "nowhere", "dangling2": "dir/new",
		"dslash": "dir/", "fslash": "file/", "dot": ".", "viaroot": "../root/file",
	}
	for i := range 42 {
		links[fmt.Sprint("chain", i+1)] = fmt.Sprint("chain", i)
	}
	links["chain0"] = "file"
	for name, target := range links {
		must(t, os.Symlink(target, filepath.Join(root, name)))
	}
	must(t, unix.Mkfifo(filepath.Join(root, "fifo"), 0o644))
	must(t, unix.Mknod(filepath.Join(root, "sock"), unix.S_IFSOCK|0o644, 0))
	return root
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// insidePaths are texts below the tree that lead to nothing outside it.
func insidePaths() []string {
	list := []string{
		"", "/", "/.", "/./", "file", "./file", "//file", "file/", "file/.", "file/..", "file/../file", "empty", "...",
		"dir", "dir/", "dir/.", "dir/..", "dir/../file", "dir/sub/../a", "dir//a", "dir/./a", "dir/sub/../../file",
		"dir/sub/deep/../../../dir/b", "dir/a/..", "dir/a/../b", "dir/missing/../a",
		"link", "link/", "link/.", "link/..", "link/x", "dlink", "dlink/", "dlink/.", "dlink/..", "dlink/a", "dlink/../file",
		"dlink/sub/..", "dlink/sub/../a", "dlink/sub/d", "dir/up", "dir/up/", "dir/up/file", "dir/up/dir/up/dir/a",
		"dlink/up/link", "abs", "abs/", "absdir", "absdir/a", "absdir/../file", "absdir/up/absdir/b", "updown",
		"dslash", "dslash/a", "fslash", "dot", "dot/dot/file", "dot/..//root/file",
		"loop1", "loop1/", "loop1/x", "self", "self/..", "self/../file", "dangling", "dangling/", "dangling/x", "dangling2",
		"missing", "missing/", "missing/x", "missing/..", "missing/../file", "file/x", "file/x/y", "fifo", "fifo/", "sock",
		"new\nline", strings.Repeat("n", 255), strings.Repeat("n", 256), strings.Repeat("n", 256) + "/..",
		"dir/" + strings.Repeat("./", 200) + "a", strings.Repeat("dir/up/", 15) + "file", strings.Repeat("dir/up/", 45) + "file",
		"suid", strings.Repeat("x", 5000), strings.Repeat("/", 4000),
	}
	for _, n := range []int{1, 38, 39, 40, 41, 42} {
		list = append(list, fmt.Sprint("chain", n))
	}
	return list
}

// snapshot is all that can be seen of a tree, for a comparison. Absolute links
// are cut to what they say below it.
func snapshot(t testing.TB, root string) string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var s unix.Stat_t
		if err := unix.Lstat(path, &s); err != nil {
			return err
		}
		line := fmt.Sprintf("%s mode %o links %d size %d", strings.TrimPrefix(path, root), s.Mode, s.Nlink, s.Size)
		switch s.Mode & unix.S_IFMT {
		case unix.S_IFLNK:
			target, _ := os.Readlink(path)
			line = fmt.Sprintf("%s -> %s", strings.TrimPrefix(path, root), strings.TrimPrefix(target, filepath.Dir(root)))
		case unix.S_IFREG:
			content, _ := os.ReadFile(path)
			line += fmt.Sprintf(" %q", content)
		case unix.S_IFDIR:
			line = fmt.Sprintf("%s mode %o", strings.TrimPrefix(path, root), s.Mode)
		}
		lines = append(lines, line)
		return nil
	})
	must(t, err)
	return strings.Join(lines, "\n")
}

// inodes gives all files of a tree by their inode.
func inodes(t testing.TB, root string) map[uint64]bool {
	t.Helper()
	all := map[uint64]bool{}
	must(t, filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		var s unix.Stat_t
		if err == nil {
			err = unix.Lstat(path, &s)
		}
		all[s.Ino] = true
		return err
	}))
	return all
}

// difference gives the lines that only one of two snapshots has.
func difference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	var lines []string
	for _, line := range a {
		if !slices.Contains(b, line) {
			lines = append(lines, "have "+line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			lines = append(lines, "want "+line)
		}
	}
	return strings.Join(lines, "\n")
}
