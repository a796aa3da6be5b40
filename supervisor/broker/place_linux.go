package broker

import (
	"encoding/binary"
	"strings"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// place reads the path of a call, and where it starts.
func (r *request) place(at syscallpolicy.Location) (place, unix.Errno) {
	text, errno := readPath(r.c, at.Path.Of(r.args), &r.text)
	if errno != 0 {
		return place{}, errno
	}
	if errno := r.valid(); errno != 0 {
		return place{}, errno
	}
	return r.placeOf(at.Dir, text)
}

// places reads the two paths of a call.
func (r *request) places() (old, new place, errno unix.Errno) {
	text, errno := readPath(r.c, r.call.Path.Path.Of(r.args), &r.text)
	if errno != 0 {
		return old, new, errno
	}
	text2, errno := readPath(r.c, r.call.Path2.Path.Of(r.args), &r.text2)
	if errno != 0 {
		return old, new, errno
	}
	if errno := r.valid(); errno != 0 {
		return old, new, errno
	}
	if old, errno = r.placeOf(r.call.Path.Dir, text); errno == 0 {
		new, errno = r.placeOf(r.call.Path2.Dir, text2)
	}
	return old, new, errno
}

// placeOf gives a text its base: the root, the current directory, or a
// directory that the sandbox has open.
func (r *request) placeOf(dir syscallpolicy.Arg, text []byte) (place, unix.Errno) {
	switch {
	case len(text) == 0:
		return place{}, unix.ENOENT
	case text[0] == '/':
		return place{"/", text}, 0
	case dir == syscallpolicy.NoArg || dir.Int(r.args) == unix.AT_FDCWD:
		return place{r.b.currentDirectory(), text}, 0
	}
	base, errno := r.directory(dir)
	return place{base, text}, errno
}

// directory gives the path of a directory that the sandbox has open. Nothing
// rests on it but what a relative path means: the path is decided and opened
// like any other. So a descriptor that lies (a directory moved, deleted and
// made again, or of a mount that is nowhere) at worst names something else
// that is granted; to be right for the honest, it must be what the path leads
// to now.
func (r *request) directory(fd syscallpolicy.Arg) (string, unix.Errno) {
	d, errno := r.file(fd)
	if errno != 0 {
		return "", errno
	}
	defer d.Close()
	if errno := d.stat(&r.stat); errno != 0 {
		return "", errno
	}
	if r.stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		return "", unix.ENOTDIR
	}
	device, inode := r.stat.Dev, r.stat.Ino
	path, o, errno := r.pathOf(d)
	if errno != 0 {
		return "", errno
	}
	now, errno := r.openBelow(o, path, "/.")
	if errno != 0 {
		return "", errno
	}
	defer now.Close()
	if errno := now.stat(&r.stat); errno != 0 {
		return "", errno
	}
	if r.stat.Dev != device || r.stat.Ino != inode {
		return "", unix.ENOENT
	}
	return path, 0
}

// pathOf names an open file, of which r.stat is filled, by its path in the
// view. A file that lies below no root is not the sandbox's to start from.
func (r *request) pathOf(d Descriptor) (string, *root, unix.Errno) {
	host, errno := r.b.hostPath(d)
	if errno != 0 {
		return "", nil, errno
	}
	if r.stat.Nlink == 0 {
		host = strings.TrimSuffix(host, " (deleted)")
	}
	if r.ownFile() {
		return strings.TrimSuffix(ScratchPath+host, "/"), r.b.scratch, 0
	}
	var found *root
	// Memory has a path of this form, which a root of "/" would cover.
	memory := r.stat.Nlink == 0 && strings.HasPrefix(host, "/memfd:")
	for _, o := range *r.b.roots.Load() {
		if memory || host[0] != '/' {
			break
		}
		if _, ok := below(host, o.real); ok && !o.own && (found == nil || len(o.real) > len(found.real)) {
			found = o
		}
	}
	if found == nil {
		return "", nil, r.refuse(unix.EACCES, whyNoRoot)
	}
	rest, _ := below(host, found.real)
	switch {
	case rest == "":
		return found.path, found, 0
	case found.path == "/":
		return "/" + rest, found, 0
	}
	return found.path + "/" + rest, found, 0
}

// ownFile reports whether r.stat is of a file in scratch: the device of a
// detached tmpfs belongs to nothing else.
func (r *request) ownFile() bool { return r.b.scratch != nil && r.stat.Dev == r.b.device }

// word reads a 64-bit number of the caller's, who runs on our architecture.
func word(b []byte) uint64 { return binary.NativeEndian.Uint64(b) }

func half(b []byte) uint32 { return binary.NativeEndian.Uint32(b) }
