package vm

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// fakeTree makes a tree over a file system that has nothing but these links;
// every other path exists, except below /gone.
func fakeTree(links map[string]string) *tree {
	t := newTree()
	t.readlink = func(path string) (string, error) {
		if target, ok := links[path]; ok {
			return target, nil
		}
		if strings.HasPrefix(path, "/gone") {
			return "", syscall.ENOENT
		}
		return "", syscall.EINVAL
	}
	return t
}

func TestTree(t *testing.T) {
	merged := map[string]string{
		"/lib": "usr/lib", "/lib64": "usr/lib64", "/usr/lib64/ld.so": "/lib/x/ld.so.2",
		"/usr/lib/x/libblas.so": "/etc/alternatives/libblas", "/etc/alternatives/libblas": "/usr/lib/x/blas/libblas.so",
		"/venv/lib64": "lib", "/dots": "/usr/./lib/../lib/x", "/loop": "loop", "/dead": "/gone/file",
	}
	for _, test := range []struct {
		name   string
		paths  []string
		mounts []string
		links  []Link
	}{
		{"nothing", nil, nil, nil},
		{"plain file", []string{"/usr/bin/python3"}, []string{"/usr/bin/python3"}, nil},
		{"merged usr", []string{"/lib64/ld.so", "/usr/lib/x"}, []string{"/usr/lib/x"}, []Link{
			{"/lib", "usr/lib"}, {"/lib64", "usr/lib64"}, {"/usr/lib64/ld.so", "/lib/x/ld.so.2"},
		}},
		{"link shows through its mount", []string{"/usr/lib/x", "/usr/lib/x/libblas.so"}, []string{"/usr/lib/x"}, []Link{
			{"/etc/alternatives/libblas", "/usr/lib/x/blas/libblas.so"},
		}},
		{"relative link inside", []string{"/venv/lib64/site"}, []string{"/venv/lib/site"}, []Link{{"/venv/lib64", "lib"}}},
		{"dots", []string{"/dots/a"}, []string{"/usr/lib/x/a"}, []Link{{"/dots", "/usr/./lib/../lib/x"}}},
		{"below another", []string{"/a/b/c", "/a/b", "/a/bc", "/a/b/d"}, []string{"/a/b", "/a/bc"}, nil},
		{"twice", []string{"/a/b", "/a/b/"}, []string{"/a/b"}, nil},
	} {
		tree := fakeTree(merged)
		for _, path := range test.paths {
			if err := tree.add(path); err != nil {
				t.Errorf("%s: add(%s) = %v; want nil", test.name, path, err)
			}
		}
		mounts, links := tree.minimal()
		if !slices.Equal(mounts, test.mounts) || !reflect.DeepEqual(links, test.links) {
			t.Errorf("%s: minimal() = %v, %v; want %v, %v", test.name, mounts, links, test.mounts, test.links)
		}
	}
}

func TestTreeErrors(t *testing.T) {
	links := map[string]string{"/loop": "loop", "/dead": "/way/file", "/way": "/gone"}
	for path, want := range map[string]error{"/loop/a": syscall.ELOOP, "/gone": syscall.ENOENT, "/dead": syscall.ENOENT} {
		tree := fakeTree(links)
		if err := tree.add(path); !errors.Is(err, want) {
			t.Errorf("add(%s) = %v; want %v", path, err, want)
		}
		if mounts, links := tree.minimal(); len(mounts)+len(links) != 0 {
			t.Errorf("minimal() after add(%s) = %v, %v; want nothing", path, mounts, links)
		}
	}
}

func TestTooWide(t *testing.T) {
	for _, test := range []struct {
		dir  string
		want bool
	}{
		{"/", true}, {"/usr", true}, {"/etc", true}, {"/tmp", true}, {"/root", true}, {"/home", true},
		{"/home/other", true}, {"/home/me", true}, {"/home/me/", true}, {"/srv/homes", true}, {"/srv/homes/me", true},
		{"/proc/self", true}, {"/sys/kernel", true}, {"/dev/shm", true}, {"/var/tmp", true}, {"/run/user/1000", true},
		{"/usr/local", true}, {"/usr/share", true},
		{"/lib", false}, {"/lib64", false}, {"/usr/lib", false}, {"/usr/lib/x86_64-linux-gnu", false},
		{"/usr/local/lib", false}, {"/home/me/venv/lib/python3.11/site-packages", false},
		{"/srv/homes/meg/lib", false}, {"/root/.pyenv/versions/3.11.7/lib", false}, {"/tmp/venv/lib", false},
	} {
		if got := tooWide(test.dir, "/srv/homes/me"); got != test.want {
			t.Errorf("tooWide(%s) = %v; want %v", test.dir, got, test.want)
		}
	}
	if !tooWide("/opt/me", "/opt/me/") || tooWide("/opt/me", "") {
		t.Errorf("tooWide(/opt/me) with and without it as home = %v, %v; want true, false",
			tooWide("/opt/me", "/opt/me/"), tooWide("/opt/me", ""))
	}
}
