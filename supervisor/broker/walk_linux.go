package broker

import (
	"bytes"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// maxPopped bounds how often one text makes the policy decide on a name that
// it only walks through.
const maxPopped = 16

// decidePopped decides the names that a text enters and leaves again by "..".
// They must be looked at, as "link/.." is not where "link" lies; without a
// decision on them "secret/NAME/../../public" would tell what is in secret.
func (r *request) decidePopped(at place) unix.Errno {
	path := append(make([]byte, 0, maxPath), at.base...)
	if at.text[0] == '/' || at.base == "/" {
		path = path[:0]
	}
	floor, entered, popped := len(path), false, 0
	for rest := at.text; len(rest) > 0; {
		var name []byte
		name, rest = nextName(rest)
		switch {
		case len(name) == 0 || string(name) == ".":
		case string(name) != "..":
			path, entered = append(append(path, '/'), name...), true
		default:
			if entered && len(path) > floor {
				if popped++; popped > maxPopped {
					return unix.ELOOP
				}
				if errno := r.decideLook(string(path)); errno != 0 {
					return errno
				}
			}
			path = path[:max(0, bytes.LastIndexByte(path, '/'))]
			floor, entered = min(floor, len(path)), false
		}
	}
	return 0
}

// decideLook decides whether a host name may be looked at. Nothing is looked
// at above the roots, and scratch has no secrets from its sandbox.
func (r *request) decideLook(path string) unix.Errno {
	if o := r.b.rootOf(path); o == nil || o.own || o.path == path {
		return 0
	}
	return r.allowed(syscallpolicy.KindStat, false, path)
}

// expand looks at a text's names one by one for the first link, and gives the
// text that stands in its place; none if no name is a link. What it sees may
// change at once: it only makes texts, which are then decided and opened like
// any other.
func (r *request) expand(at place, w wish) (place, unix.Errno) {
	k := walker{r: r, fd: none}
	defer func() { k.leave() }()
	base := at.base
	if at.text[0] == '/' {
		base = "/"
	}
	if errno := k.enter(base); errno != 0 {
		return place{}, errno
	}
	for rest := at.text; len(rest) > 0; {
		var name []byte
		name, rest = nextName(rest)
		last := len(bytes.TrimLeft(rest, "/")) == 0
		if last && string(name) != ".." && (w.mode == aParent || !w.follow && rest == nil) {
			break // the last name itself is meant
		}
		if next, errno := k.step(name, rest, last); errno != 0 || next.text != nil {
			return next, errno
		}
	}
	return place{}, 0
}

// walker is at a directory whose path is real, as far as can be known.
type walker struct {
	r     *request
	path  string
	fd    Descriptor // none above the roots, where there is nothing to look at
	owned bool
}

func (k *walker) leave() {
	if k.owned {
		k.fd.Close()
	}
	k.fd, k.owned = none, false
}

// enter goes to a real path.
func (k *walker) enter(path string) (errno unix.Errno) {
	k.leave()
	k.path = path
	o := k.r.b.rootOf(path)
	switch {
	case o == nil:
	case o.path == path && !o.file():
		k.fd = o.dir
	default:
		k.fd, errno = k.r.openBelow(o, path, "/.")
		k.owned = errno == 0
	}
	return errno
}

// step takes one name of a text; rest is what follows it, nil when not even a
// slash does.
func (k *walker) step(name, rest []byte, last bool) (place, unix.Errno) {
	if k.r.steps--; k.r.steps < 0 {
		return place{}, unix.ELOOP
	}
	parent, _ := splitLast(k.path)
	switch {
	case len(name) == 0 || string(name) == ".":
		return place{}, 0
	case string(name) == "..":
		return place{}, k.enter(parent)
	}
	path := k.path + "/" + string(name)
	if k.path == "/" {
		path = k.path + string(name)
	}
	o := k.r.b.rootOf(path)
	if o == nil || o.path == path && !o.file() {
		return place{}, k.enter(path)
	}
	fd, errno := k.open(o, path, name)
	if errno != 0 {
		if errno == unix.ENOENT && last {
			errno = 0 // what is not there is no link
		}
		return place{}, errno
	}
	return k.arrive(fd, path, rest, last)
}

// open looks at a name in the directory, or at a granted file, whose
// directory was not granted.
func (k *walker) open(o *root, path string, name []byte) (Descriptor, unix.Errno) {
	if k.fd == none || o.file() {
		return k.r.openBelow(o, path, "")
	}
	k.r.local = append(append(k.r.local[:0], name...), 0)
	return k.r.openLocal(k.fd, howFlags, 0)
}

// arrive is at a name that is there: a link gives the text, a directory is
// entered.
func (k *walker) arrive(fd Descriptor, path string, rest []byte, last bool) (place, unix.Errno) {
	errno := fd.stat(&k.r.stat)
	kind := k.r.stat.Mode & unix.S_IFMT
	if errno == 0 && kind == unix.S_IFDIR {
		k.leave()
		k.path, k.fd, k.owned = path, fd, true
		return place{}, 0
	}
	defer fd.Close()
	switch {
	case errno != 0:
		return place{}, errno
	case kind == unix.S_IFLNK:
		return k.r.linkText(fd, k.path, rest)
	case !last:
		return place{}, unix.ENOTDIR
	}
	return place{}, 0
}

// linkText is what a text becomes when a link in the real directory parent
// has been read: what the link says, then the rest. The text of a magic link
// of /proc is text too, so it leads nowhere else.
func (r *request) linkText(link Descriptor, parent string, rest []byte) (place, unix.Errno) {
	text := make([]byte, maxPath, maxPath+1+len(rest))
	n, err := unix.Readlinkat(int(link), "", text)
	if err != nil {
		return place{}, errnoOf(err)
	}
	if n == 0 {
		return place{}, unix.ENOENT
	}
	text = text[:n]
	if rest != nil {
		text = append(append(text, '/'), rest...)
	}
	if text[0] == '/' {
		parent = "/"
	}
	return place{parent, text}, 0
}
