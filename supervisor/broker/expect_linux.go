package broker

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Opening in one step. A look with O_PATH and a reopen cost twice an open,
// and most opens are of regular files that were there before. So a path that
// led to one is expected to do so again, and is then opened at once, with the
// same flags of resolution, and its type checked after.
//
// The one thing that the look is for is that no fifo or device is ever opened.
// A sandbox could bring one to an expected path by a rename, of which this
// process makes all; so every rename on the host voids what is expected, in
// all brokers, and none takes place while an expected path is opened. What is
// left is the host itself, which may put a fifo in a granted file's place: it
// is opened once, to read and without waiting, and closed. In scratch there
// are no such files, so every path there is expected.

const (
	maxExpected     = 256 // paths, for each sandbox
	maxExpectedPath = 256
)

// renames counts those on the host by sandboxes of this process, their
// beginnings and their ends: the count is odd while one takes place.
var renames struct {
	sync.RWMutex
	count atomic.Uint64
}

// expected are paths that led to regular files when the count of renames was
// since.
type expected struct {
	mu    sync.Mutex
	since uint64
	paths map[string]struct{}
}

// add remembers a path that was looked at after the count was read. Had a
// rename been under way then, or begun since, the look would say nothing.
func (e *expected) add(path string, count uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if count%2 != 0 || count != renames.count.Load() {
		return
	}
	if e.since != count || len(e.paths) >= maxExpected {
		clear(e.paths)
		e.since = count
	}
	if e.paths == nil {
		e.paths = map[string]struct{}{}
	}
	e.paths[path] = struct{}{}
}

// has is called with renames held, so that the count stands.
func (e *expected) has(path string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.since != renames.count.Load() {
		return false
	}
	_, ok := e.paths[path]
	return ok
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
//
// It does not wait for a rename: one on a slow file system must not hold the
// other sandboxes.
func (r *request) openExpected(o *object, flags int) Descriptor {
	if !o.root.own {
		if !renames.TryRLock() {
			return none
		}
		defer renames.RUnlock()
		if !r.b.expected.has(o.path) {
			return none
		}
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

// renameOnHost renames when no expected path is being opened.
func renameOnHost(rename func() error) error {
	renames.Lock()
	defer renames.Unlock()
	renames.count.Add(1)
	defer renames.count.Add(1)
	return rename()
}
