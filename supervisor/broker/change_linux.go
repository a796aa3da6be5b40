package broker

import (
	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// mkdir serves mkdir and mkdirat.
func (r *request) mkdir() unix.Errno {
	mode := r.args[1]
	if r.call.Name == "mkdirat" {
		mode = r.args[2]
	}
	at, errno := r.place(r.call.Path)
	if errno != 0 {
		return errno
	}
	o, errno := r.parent(at, syscallpolicy.KindCreate, unix.EEXIST)
	if errno != 0 {
		return errno
	}
	defer o.close()
	done, errno := r.making(o.root)
	if errno != 0 {
		return errno
	}
	errno = r.makeDirectory(&o, r.b.masked(uint32(mode)))
	done(errno)
	return errno
}

// parent finds the directory of a path's last name, where something is to be
// changed. dots is the errno for a path that ends in none: a root, or a dot.
func (r *request) parent(at place, kind syscallpolicy.Kind, dots unix.Errno) (object, unix.Errno) {
	o, errno := r.find(at, wish{kind: kind, write: true, mode: aParent})
	if errno != 0 {
		return o, errno
	}
	switch {
	case o.virtual != nil:
		errno = unix.EROFS
	case !o.isParent():
		errno = dots
	default:
		errno = r.writable(&o)
	}
	if errno != 0 {
		o.close()
	}
	return o, errno
}

// remove serves unlink, unlinkat and rmdir.
func (r *request) remove() unix.Errno {
	flags := uint64(0)
	switch r.call.Name {
	case "rmdir":
		flags = unix.AT_REMOVEDIR
	case "unlinkat":
		if flags = uint64(uint32(r.args[2])); flags&^unix.AT_REMOVEDIR != 0 {
			return unix.EINVAL
		}
	}
	at, errno := r.place(r.call.Path)
	if errno != 0 {
		return errno
	}
	o, errno := r.parent(at, syscallpolicy.KindRemove, removeDots(flags, at.text))
	if errno != 0 {
		return errno
	}
	defer o.close()
	return errnoOf(unix.Unlinkat(int(o.fd), slashed(&o), int(flags)))
}

// removeDots is what the kernel says to the removal of ".", ".." and roots.
func removeDots(flags uint64, text []byte) unix.Errno {
	end := lexically(nil, "/", text).end
	switch {
	case flags&unix.AT_REMOVEDIR == 0:
		return unix.EISDIR
	case end == endsInDot:
		return unix.EINVAL
	case end == endsInDotDot:
		return unix.ENOTEMPTY
	}
	return unix.EBUSY
}

// slashed is the last name with the slash of its text, to which the kernel has
// answers of its own.
func slashed(o *object) string {
	if o.folder {
		return o.name + "/"
	}
	return o.name
}

// truncate changes a file's length by path.
func (r *request) truncate() unix.Errno {
	size := int64(r.args[1])
	if size < 0 {
		return unix.EINVAL
	}
	at, errno := r.place(r.call.Path)
	if errno != 0 {
		return errno
	}
	o, errno := r.find(at, wish{kind: syscallpolicy.KindOpen, write: true, follow: true})
	if errno != 0 {
		return errno
	}
	defer o.close()
	switch {
	case o.virtual != nil:
		return unix.EROFS
	case o.kind() == unix.S_IFDIR:
		return unix.EISDIR
	case o.kind() != unix.S_IFREG:
		return unix.EINVAL
	}
	if errno := r.writable(&o); errno != 0 {
		return errno
	}
	if errno := r.checkSize(size, o.root.own); errno != 0 {
		return errno
	}
	d, errno := r.b.reopen(o.fd, unix.O_WRONLY)
	if errno != 0 {
		return errno
	}
	defer d.Close()
	return errnoOf(unix.Ftruncate(int(d), size))
}

// symlink makes a link in scratch. What it says is text, which is decided when
// a path leads through it.
func (r *request) symlink() unix.Errno {
	target, errno := readPath(r.c, r.args[0], &r.text2)
	if errno != 0 {
		return errno
	}
	at, errno := r.place(r.call.Path)
	if errno != 0 {
		return errno
	}
	if len(target) == 0 {
		return unix.ENOENT
	}
	o, errno := r.ownParent(at)
	if errno != 0 {
		return errno
	}
	defer o.close()
	return errnoOf(unix.Symlinkat(string(target), int(o.fd), slashed(&o)))
}

// link makes a second name in scratch for a file there.
func (r *request) link() unix.Errno {
	flags := uint64(0)
	if r.call.Name == "linkat" {
		flags = uint64(uint32(r.args[4]))
	}
	if flags&^unix.AT_SYMLINK_FOLLOW != 0 {
		return unix.EINVAL
	}
	from, to, errno := r.places()
	if errno != 0 {
		return errno
	}
	old, errno := r.find(from, wish{kind: syscallpolicy.KindOpen, mode: aParent})
	if errno != 0 {
		return errno
	}
	defer old.close()
	if old.virtual != nil || !old.root.own {
		return r.refuse(unix.EPERM, whyLink)
	}
	// A slash would have the kernel follow a link in the last place, out of
	// scratch, and so would the flag.
	if !old.isParent() || old.folder || flags != 0 {
		return unix.EPERM
	}
	new, errno := r.ownParent(to)
	if errno != 0 {
		return errno
	}
	defer new.close()
	return errnoOf(unix.Linkat(int(old.fd), old.name, int(new.fd), slashed(&new), 0))
}

// ownParent is parent in scratch.
func (r *request) ownParent(at place) (object, unix.Errno) {
	o, errno := r.parent(at, syscallpolicy.KindCreate, unix.EEXIST)
	if errno == 0 && !o.root.own {
		o.close()
		errno = r.refuse(unix.EPERM, whyLink)
	}
	return o, errno
}
