package broker

import (
	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// The current directory is a path that relative ones are put behind. No
// process is ever in it, so neither a rename nor fchdir on a descriptor from
// elsewhere can put the sandbox, or the supervisor, where nothing was granted.

func (b *Broker) currentDirectory() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.directory
}

// chdir serves chdir and fchdir.
func (r *request) chdir() (int64, unix.Errno) {
	var at place
	var errno unix.Errno
	if r.call.Name == "fchdir" {
		if at.base, errno = r.directory(r.call.FD); errno == 0 {
			at.text = []byte(at.base)
		}
	} else {
		at, errno = r.place(r.call.Path)
	}
	if errno != 0 {
		return 0, errno
	}
	path, errno := r.findDirectory(at)
	if errno != 0 {
		return 0, errno
	}
	r.b.mu.Lock()
	defer r.b.mu.Unlock()
	r.b.directory = path
	return 0, 0
}

// findDirectory resolves a path to a directory. Those above the roots count:
// they are text only, and nothing can be done in them.
func (r *request) findDirectory(at place) (string, unix.Errno) {
	if path := string(lexically(r.clean[:0], at.base, at.text).path); r.b.rootOf(path) == nil && r.b.leadsToRoot(path) {
		return path, r.allowed(syscallpolicy.KindStat, false, path)
	}
	o, errno := r.find(at, wish{kind: syscallpolicy.KindStat, follow: true})
	if errno != 0 {
		return "", errno
	}
	defer o.close()
	if o.kind() != unix.S_IFDIR {
		return "", unix.ENOTDIR
	}
	return o.path, 0
}

// getcwd gives the path with its NUL, and its length.
func (r *request) getcwd() (int64, unix.Errno) {
	path := append(append(r.clean[:0], r.b.currentDirectory()...), 0)
	if uint64(len(path)) > r.args[1] {
		return 0, unix.ERANGE
	}
	return int64(len(path)), r.write(r.args[0], path)
}

// umask is kept here too: the supervisor makes the files, and its own umask
// holds beside this one. So it is harmless, and done without a decision.
func (r *request) umask() (int64, unix.Errno) {
	r.b.mu.Lock()
	defer r.b.mu.Unlock()
	old := r.b.mask
	r.b.mask = uint32(r.args[0]) & permissions
	return int64(old), 0
}

// masked is the mode of a file that is made: never set-user-id, and less the
// umask.
func (b *Broker) masked(mode uint32) uint32 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return mode & permissions &^ b.mask
}

// getdents reads entries of a directory. It needs no decision: the sandbox
// has no directory but those that openDirectory gave it, each decided as a
// list. A caller whose buffer cannot be written loses the entries, as the
// position has moved on.
func (r *request) getdents() (int64, unix.Errno) {
	d, errno := r.file(r.call.FD)
	if errno != 0 {
		return 0, errno
	}
	defer d.Close()
	entries := entryBuffers.Get().(*[maxEntries]byte)
	defer entryBuffers.Put(entries)
	size := min(r.args[2]&0xffffffff, maxEntries)
	n, err := unix.Getdents(int(d), entries[:size])
	if err != nil {
		return 0, errnoOf(err)
	}
	if n == 0 {
		return 0, 0
	}
	return int64(n), r.write(r.args[1], entries[:n])
}
