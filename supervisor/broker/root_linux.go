package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Root is a file or a directory of the host that a sandbox was granted, with
// all below it. It says how far the broker can reach; what of it a call gets
// is decided call by call.
type Root struct {
	Path  string // absolute; links in it are followed once, by New
	Write bool   // without it nothing below is ever changed, whatever is decided
}

// root is a Root that was opened. Only its descriptor counts from then on.
type root struct {
	path  string     // in the sandbox's view
	real  string     // as the kernel names it
	dir   Descriptor // the directory, or the parent of a file
	name  string     // of a file in dir; empty for a directory
	write bool
	own   bool // scratch: the sandbox's own, where more is allowed
}

// openRoot resolves a host path that is trusted now and never again. A path
// whose last name does not exist yet is a file that may be created.
func openRoot(r Root) (*root, error) {
	if !filepath.IsAbs(r.Path) || strings.IndexByte(r.Path, 0) >= 0 {
		return nil, fmt.Errorf("granted root %q is not an absolute path", r.Path)
	}
	path := filepath.Clean(r.Path)
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		var parent string
		parent, err = filepath.EvalSymlinks(filepath.Dir(path))
		real = filepath.Join(parent, filepath.Base(path))
	}
	if err != nil {
		return nil, fmt.Errorf("granted root: %w", err)
	}
	o := &root{path: path, real: real, write: r.Write}
	const flags = unix.O_PATH | unix.O_CLOEXEC | unix.O_NOFOLLOW | unix.O_DIRECTORY
	fd, err := unix.Open(real, flags, 0)
	if err == unix.ENOTDIR || err == unix.ENOENT {
		o.name = filepath.Base(real)
		fd, err = unix.Open(filepath.Dir(real), flags, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("open granted root %q: %w", r.Path, err)
	}
	o.dir = Descriptor(fd)
	return o, nil
}

// maxRoots bounds the descriptors that grants cost, as a person who answers
// questions may give one after another.
const maxRoots = 1024

// Grant adds a root while the sandbox runs, for who decides by asking. A path
// that is granted already gains at most the right to write.
func (b *Broker) Grant(r Root) error {
	o, err := openRoot(r)
	if err != nil {
		return err
	}
	if err := b.addRoot(o); err != nil {
		o.dir.Close()
		return err
	}
	return nil
}

// addRoot keeps the roots by length, the longest first, so that the first one
// above a path is the nearest. The list is replaced and not changed: calls
// read it meanwhile.
func (b *Broker) addRoot(o *root) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	old := *b.roots.Load()
	if len(old) >= maxRoots {
		return fmt.Errorf("granted root %q: more than %d", o.path, maxRoots)
	}
	at := 0
	for at < len(old) && len(old[at].path) > len(o.path) {
		at++
	}
	for at < len(old) && old[at].path == o.path && (old[at].write || !o.write || old[at].own) {
		at++
	}
	list := slices.Insert(slices.Clone(old), at, o)
	b.roots.Store(&list)
	b.expected.forget()
	return nil
}

// rootOf gives the nearest root at or above a clean path.
func (b *Broker) rootOf(path string) *root {
	for _, o := range *b.roots.Load() {
		if _, ok := below(path, o.path); ok {
			return o
		}
	}
	return nil
}

// leadsToRoot reports whether a directory above all roots lies on the way to
// one. It exists in the view as much as the root does.
func (b *Broker) leadsToRoot(path string) bool {
	return path == "/" || slices.ContainsFunc(*b.roots.Load(), func(o *root) bool { return above(path, o.path) })
}

// relative appends what the kernel is asked for, relative to o.dir and without
// a NUL, for a clean path at or below the root.
func (o *root) relative(into []byte, path string) []byte {
	rest, _ := below(path, o.path)
	switch {
	case o.name == "" && rest == "":
		return append(into, '.')
	case o.name == "":
		return append(into, rest...)
	case rest == "":
		return append(into, o.name...)
	}
	return append(append(append(into, o.name...), '/'), rest...)
}

// file reports whether a file was granted, which has nothing below it even
// when a directory takes its name.
func (o *root) file() bool { return o.name != "" }
