package broker

import (
	"strings"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

const (
	maxLinks = 40  // as in the kernel
	maxSteps = 256 // looks at single names for one call, each a few system calls
)

// mode is what a path is resolved for.
type mode uint8

const (
	anObject  mode = iota // what the path names
	aParent               // the directory that has its last name
	anyOrNone             // the object, or if there is none the parent
)

// wish is what a call wants of a path.
type wish struct {
	kind    syscallpolicy.Kind
	write   bool
	mode    mode
	follow  bool // a link in the last place
	beneath bool // openat2's RESOLVE_BENEATH: nothing above the base
	noLinks bool // openat2's RESOLVE_NO_SYMLINKS: a link anywhere is an error
	once    bool // what is expected to be a regular file may be opened at once
	flags   int  // with once: to open it with
}

// place is a path as text, relative to a directory's real path.
type place struct {
	base string
	text []byte
}

// object is what was found at a decided path. Its descriptor is O_PATH.
type object struct {
	fd      Descriptor
	root    *root
	path    string       // real, decided
	name    string       // set when fd is the parent: the path's last name in it
	end     ending       // of the text that led here
	folder  bool         // that text insists on a directory
	stat    *unix.Stat_t // of the object
	virtual *content     // instead of a descriptor
	opened  bool         // fd is not O_PATH but what was asked for
}

func (o *object) close() {
	if o.virtual != nil {
		o.virtual.release()
		return
	}
	o.fd.Close()
}

func (o *object) isParent() bool { return o.name != "" }
func (o *object) kind() uint32   { return o.stat.Mode & unix.S_IFMT }

// rest is what the text had after the name of o.
func (o *object) rest() []byte {
	switch {
	case o.end == endsInDot:
		return []byte(".")
	case o.folder:
		return []byte{} // a slash, and nothing after it
	}
	return nil
}

// find decides and resolves a path. Every text is decided as a whole before
// any name of it is looked at; a link replaces the text by a new one.
func (r *request) find(at place, w wish) (object, unix.Errno) {
	floor := strings.TrimSuffix(at.base, "/")
	for range maxLinks + 1 {
		l := lexically(r.clean[:0], at.base, at.text)
		path := r.b.expected.text(l.path)
		if w.beneath && l.least < len(floor) {
			return object{}, unix.EXDEV
		}
		o, next, errno := r.look(path, l, at, w)
		if errno != 0 || next.text == nil {
			return o, errno
		}
		switch {
		case w.noLinks:
			return object{}, unix.ELOOP
		case w.beneath && next.text[0] == '/':
			return object{}, unix.EXDEV
		case len(next.text) >= maxPath:
			return object{}, unix.ENAMETOOLONG
		}
		at = next
	}
	return object{}, unix.ELOOP
}

// look decides one text and opens what it names, or gives the text that the
// first link in it stands for.
func (r *request) look(path string, l lexical, at place, w wish) (o object, next place, errno unix.Errno) {
	if r.b.looksForRoot(w.kind, path) && r.b.rootOf(path) == nil {
		return o, place{}, unix.EACCES
	}
	d := r.operation(w.kind, w.write, path)
	if d.Effect == syscallpolicy.Virtual || d.Effect == syscallpolicy.Allow && r.b.files != nil {
		if o, ok, errno := r.virtual(path, d, l, w); ok {
			return o, place{}, errno
		}
	}
	if d.Effect != syscallpolicy.Allow {
		return o, place{}, d.ErrnoOrEPERM()
	}
	root := r.b.rootOf(path)
	if root == nil {
		return o, place{}, r.refuse(unix.EACCES, whyNoRoot)
	}
	o = object{fd: none, root: root, path: path, end: l.end, folder: l.folder}
	if l.popped {
		if errno := r.decidePopped(at); errno != 0 {
			return o, place{}, errno
		}
		if next, errno = r.expand(at, w); errno != 0 || next.text != nil {
			return o, next, errno
		}
	}
	if w.once && !l.folder && !(root.file() && path != root.path) {
		if o.fd = r.openExpected(&o, w.flags); o.fd != none {
			o.opened = true
			return o, place{}, 0
		}
	}
	next, errno = r.openPath(&o, at, w)
	return o, next, errno
}

// openPath makes the one openat2 that counts.
func (r *request) openPath(o *object, at place, w wish) (next place, errno unix.Errno) {
	named := o.end == endsInName && !(o.path == o.root.path && !o.root.file())
	if w.mode == aParent && named {
		errno = r.openParent(o, w)
	} else {
		o.fd, errno = r.openBelow(o.root, o.path, "")
		if errno == 0 {
			return r.inspect(o, w)
		}
		if errno == unix.ENOENT && w.mode == anyOrNone && named {
			errno = r.openParent(o, w)
		}
	}
	if errno == unix.ELOOP {
		return r.expandOrAgain(at, w)
	}
	return place{}, errno
}

// expandOrAgain finds the link that the kernel met. If it is gone by now, the
// same text is tried again, as one more link.
func (r *request) expandOrAgain(at place, w wish) (place, unix.Errno) {
	next, errno := r.expand(at, w)
	if errno == 0 && next.text == nil {
		next = at
	}
	return next, errno
}

// inspect reads what was found. The descriptor is the object, so its type is
// what it will be when it is reopened.
func (r *request) inspect(o *object, w wish) (next place, errno unix.Errno) {
	o.stat = &r.stat
	if errno = o.fd.stat(o.stat); errno != 0 {
		o.fd.Close()
		return place{}, errno
	}
	follow := w.follow || o.folder
	switch {
	case o.kind() == unix.S_IFLNK && follow:
		parent, _ := splitLast(o.path)
		next, errno = r.linkText(o.fd, parent, o.rest())
		o.fd.Close()
	case o.kind() != unix.S_IFDIR && o.folder:
		o.fd.Close()
		errno = unix.ENOTDIR
		if w.mode == anyOrNone && o.end == endsInName {
			errno = unix.EISDIR // O_CREAT with a slash at the end
		}
	}
	return next, errno
}

// openParent opens the directory of a path's last name. The dot makes the
// kernel insist on a directory. Of a granted file's directory nothing was
// granted but this name, so it may be filled and not emptied.
func (r *request) openParent(o *object, w wish) (errno unix.Errno) {
	if o.path != o.root.path {
		var parent string
		parent, o.name = splitLast(o.path)
		o.fd, errno = r.openBelow(o.root, parent, "/.")
		return errno
	}
	if w.mode == aParent {
		return r.refuse(unix.EACCES, whyAbove)
	}
	o.name = o.root.name
	r.local = append(r.local[:0], '.', 0)
	o.fd, errno = r.openLocal(o.root.dir, howFlags, 0)
	return errno
}

// howFlags open a name without any effect on what it names, and nothing but
// what lies at exactly this path: see the package comment.
const (
	howFlags   = unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC
	howResolve = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV
)

// openBelow opens a clean path at or below a root.
func (r *request) openBelow(o *root, path, suffix string) (Descriptor, unix.Errno) {
	if o.file() && path != o.path {
		return none, unix.ENOTDIR
	}
	r.local = append(append(o.relative(r.local[:0], path), suffix...), 0)
	return r.openLocal(o.dir, howFlags, 0)
}

// openLocal opens r.local, which ends in a NUL, below a directory. EXDEV is
// the kernel's word for a way out that it refuses: a mount, or a directory on
// the way that was moved out of dir at that moment.
func (r *request) openLocal(dir Descriptor, flags uint64, mode uint32) (Descriptor, unix.Errno) {
	r.how = unix.OpenHow{Flags: flags, Mode: uint64(mode), Resolve: howResolve}
	d, errno := openat2(dir, r.local, &r.how)
	if errno == unix.EXDEV {
		errno = r.refuse(unix.EACCES, whyMount)
	}
	return d, errno
}
