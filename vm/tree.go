package vm

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// tree collects what a root must hold so that certain paths work in it.
type tree struct {
	readlink func(path string) (string, error)
	memory   map[string]step   // by path free of links
	mounts   map[string]bool   // real paths
	links    map[string]string // path to target
}

// step is what one name of a directory is: a link with its target, or not.
type step struct {
	target string
	link   bool
	err    error
}

func newTree() *tree {
	return &tree{readlink: os.Readlink, memory: map[string]step{}, mounts: map[string]bool{}, links: map[string]string{}}
}

// maxLinks is the kernel's own bound on a path.
const maxLinks = 40

// add makes a path work: its real file or directory becomes a mount, and each
// link on the way a link.
func (t *tree) add(path string) error {
	real, err := t.resolve(path)
	if err != nil {
		return err
	}
	t.mounts[real] = true
	return nil
}

// resolve walks a path as the kernel does and gives the real path. The links
// on the way are noted when the path leads somewhere.
func (t *tree) resolve(path string) (string, error) {
	passed := map[string]string{}
	current, rest := "/", strings.Split(path, "/")
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			current = filepath.Dir(current)
			continue
		}
		next := filepath.Join(current, name)
		s := t.look(next)
		if s.err != nil {
			return "", fmt.Errorf("resolve %s: %w", path, s.err)
		}
		if !s.link {
			current = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("resolve %s: %w", path, syscall.ELOOP)
		}
		passed[next] = s.target
		rest = append(strings.Split(s.target, "/"), rest...)
		if strings.HasPrefix(s.target, "/") {
			current = "/"
		}
	}
	maps.Copy(t.links, passed)
	return current, nil
}

func (t *tree) look(path string) step {
	s, ok := t.memory[path]
	if ok {
		return s
	}
	s.target, s.err = t.readlink(path)
	if errors.Is(s.err, syscall.EINVAL) { // not a link
		s.err = nil
	} else if s.err == nil {
		s.link = true
	}
	t.memory[path] = s
	return s
}

// minimal gives the mounts without those below another one, and the links
// without those below a mount, which show through it. Both are sorted.
func (t *tree) minimal() ([]string, []Link) {
	mounts := slices.DeleteFunc(slices.Sorted(maps.Keys(t.mounts)), func(path string) bool {
		return below(path, t.mounts)
	})
	var links []Link
	for path, target := range t.links {
		if !below(path, t.mounts) {
			links = append(links, Link{Path: path, Target: target})
		}
	}
	slices.SortFunc(links, func(a, b Link) int { return cmp.Compare(a.Path, b.Path) })
	return mounts, links
}

// below tells whether a directory above the path is in the set.
func below(path string, set map[string]bool) bool {
	for path != "/" {
		path = filepath.Dir(path)
		if set[path] {
			return true
		}
	}
	return false
}

// tooWide tells directories that hold far more than an interpreter's files:
// the top of the system, the kernel's views, homes and shared scratch space. A
// .pth line or an odd prefix could name one.
func tooWide(dir, home string) bool {
	dir = filepath.Clean(dir)
	switch filepath.Dir(dir) {
	case "/":
		// Where /lib is no link into /usr, the loader's directories are here.
		return dir != "/lib" && dir != "/lib32" && dir != "/lib64"
	case "/home", "/run/user", "/var/tmp":
		return true
	}
	if dir == "/usr/local" || dir == "/usr/share" || dir == "/var/tmp" || dir == "/run/user" {
		return true
	}
	for _, top := range []string{"/proc/", "/sys/", "/dev/"} {
		if strings.HasPrefix(dir, top) {
			return true
		}
	}
	home = filepath.Clean("/" + home)
	return home == dir || strings.HasPrefix(home, dir+"/")
}
