package broker

import (
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// renames is held by every rename on the host of every sandbox in this
// process, with the look at what is moved: none of them can put a directory in
// a file's place in between, as that is a rename too.
var renames sync.Mutex

// rename serves rename, renameat and renameat2. Both ends are decided, and
// both lie below granted roots.
func (r *request) rename() unix.Errno {
	flags := uint(0)
	if r.call.Name == "renameat2" {
		flags = uint(uint32(r.args[4]))
		if flags&^(unix.RENAME_NOREPLACE|unix.RENAME_EXCHANGE) != 0 || flags == unix.RENAME_NOREPLACE|unix.RENAME_EXCHANGE {
			return unix.EINVAL
		}
	}
	from, to, errno := r.places()
	if errno != 0 {
		return errno
	}
	old, errno := r.parent(from, syscallpolicy.KindRename, unix.EBUSY)
	if errno != 0 {
		return errno
	}
	defer old.close()
	dots := unix.EBUSY
	if flags == unix.RENAME_NOREPLACE {
		dots = unix.EEXIST
	}
	new, errno := r.parent(to, syscallpolicy.KindRename, dots)
	if errno != 0 {
		return errno
	}
	defer new.close()
	if old.root.own && new.root.own {
		return errnoOf(unix.Renameat2(int(old.fd), slashed(&old), int(new.fd), slashed(&new), flags))
	}
	return r.renameOnHost(&old, &new, flags)
}

func (r *request) renameOnHost(old, new *object, flags uint) unix.Errno {
	moves := []move{{from: old, to: new}}
	if flags&unix.RENAME_EXCHANGE != 0 {
		moves = append(moves, move{from: new, to: old})
	}
	for i := range moves {
		if errno := r.lookThrough(&moves[i]); errno != 0 {
			return errno
		}
	}
	renames.Lock()
	defer renames.Unlock()
	for _, m := range moves {
		if errno := r.movable(m); errno != 0 {
			return errno
		}
	}
	return errnoOf(unix.Renameat2(int(old.fd), slashed(old), int(new.fd), slashed(new), flags))
}

// move is what one name becomes.
type move struct {
	from, to *object
	plain    bool // from is a directory that has only files and directories below it
}

// movable refuses what must stay where it is.
//
// What is no regular file and no directory: a link is made in scratch only, and
// a relative one that is moved is a new one, which may lead out of the root;
// the sandbox gains nothing, as its own paths are decided by where they lead,
// but programs of the host follow it with their rights. A fifo or a device in
// a result's place is no better.
//
// What the policy decides by path: "allow /a/**, deny /a/b/secret" must not be
// undone by a rename of /a/b. EXDEV makes programs copy what they may read
// instead.
//
// What has another granted root or a virtual file in it, which would no longer
// be where it was granted.
func (r *request) movable(m move) unix.Errno {
	if m.from.root.own {
		return 0
	}
	if err := unix.Fstatat(int(m.from.fd), m.from.name, &r.stat, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return errnoOf(err)
	}
	kind := r.stat.Mode & unix.S_IFMT
	folder := kind == unix.S_IFDIR
	switch {
	case kind == unix.S_IFLNK:
		return r.refuse(unix.EPERM, whyLink)
	case kind != unix.S_IFREG && !folder:
		return r.refuse(unix.EPERM, whyType)
	case folder && !m.plain:
		return r.refuse(unix.EXDEV, whyHolds)
	case r.b.movable == nil && folder, r.b.movable != nil && !r.b.movable(m.from.path, m.to.path, folder):
		return r.refuse(unix.EXDEV, whyMove)
	case folder && r.b.grantsBelow(m.from):
		return r.refuse(unix.EBUSY, whyRoots)
	}
	return 0
}

// grantsBelow reports whether something below a directory is granted, or hidden
// by a virtual file, under its own path.
func (b *Broker) grantsBelow(o *object) bool {
	real := o.root.real
	if rest, _ := below(o.path, o.root.path); rest != "" {
		real = strings.TrimSuffix(real, "/") + "/" + rest
	}
	for _, other := range *b.roots.Load() {
		if !other.own && (above(o.path, other.path) || above(real, other.real)) {
			return true
		}
	}
	for path := range b.files {
		if above(o.path, path) {
			return true
		}
	}
	return false
}
