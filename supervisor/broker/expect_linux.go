package broker

import (
	"sync"

	"golang.org/x/sys/unix"
)

// Opening in one step. A look with O_PATH and a reopen cost twice an open,
// and most opens are of regular files that were there before. So a path that
// led to one is expected to do so again, and is then opened at once, with the
// same flags of resolution, and its type checked after.
//
// The one thing that the look is for is that no fifo or device is ever opened.
// A sandbox cannot bring one to an expected path: it makes none on the host and
// moves none, nor a directory that has one in it (move_linux.go). What is left
// is the host itself, which may put a fifo in a granted file's place: it is
// opened once, to read and without waiting, and closed. In scratch there are no
// such files, so every path there is expected.

const (
	maxExpected     = 256 // paths, for each sandbox
	maxExpectedPath = 256
)

// expected are paths that led to regular files.
type expected struct {
	mu    sync.Mutex
	paths map[string]string // to themselves: one text for all opens of it
}

func (e *expected) add(path string) {
	if len(path) > maxExpectedPath {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.paths) >= maxExpected {
		clear(e.paths)
	}
	if e.paths == nil {
		e.paths = map[string]string{}
	}
	e.paths[path] = path
}

func (e *expected) has(path string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ok := e.paths[path]
	return ok
}

// text gives a path as a string, without fresh memory for an expected one.
func (e *expected) text(path []byte) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if kept, ok := e.paths[string(path)]; ok {
		return kept
	}
	return string(path)
}

func (e *expected) drop(path string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.paths, path)
}

// forget is for a change of what paths mean.
func (e *expected) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.paths)
}

// openExpected opens a file at once if its path is expected to lead to a
// regular one. It gives none when it is not, or did not; then the object is
// looked at first.
func (r *request) openExpected(o *object, flags int) Descriptor {
	if !o.root.own && !r.b.expected.has(o.path) {
		return none
	}
	r.local = append(o.root.relative(r.local[:0], o.path), 0)
	d, errno := r.openLocal(o.root.dir, uint64(flags|unix.O_NOFOLLOW|reopenFlags), 0)
	if errno == 0 {
		if errno = d.stat(&r.stat); errno == 0 && r.stat.Mode&unix.S_IFMT == unix.S_IFREG {
			return d
		}
		d.Close()
	}
	r.b.expected.drop(o.path)
	return none
}
