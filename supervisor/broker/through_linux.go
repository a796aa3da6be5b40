package broker

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// A directory is moved only if nothing in it has to stay where it is. The look
// may take place before the rename and beside others: what has to stay was put
// there by the host, and no rename of a sandbox moves it or a directory above
// it, so no directory that a sandbox can put in this one's place has any.

// Bounds of the look. A larger tree is not moved but copied, by programs that
// can do both.
const (
	maxFolders = 64
	maxInside  = 1000
)

// lookThrough finds out of a directory on the host whether it can be moved as
// a whole. What is no directory is left to movable.
func (r *request) lookThrough(m *move) unix.Errno {
	if m.from.root.own {
		return 0
	}
	look := look{folders: []string{m.from.name}}
	for looked := 0; looked < len(look.folders); looked++ {
		folder := look.folders[looked]
		r.local = append(append(r.local[:0], folder...), 0)
		const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
		d, errno := r.openLocal(m.from.fd, flags, 0)
		r.refused = "" // the rename itself says what is wrong
		switch {
		case errno == 0:
			plain := look.through(d, folder)
			d.Close()
			if !plain {
				return 0
			}
		case looked == 0 && errno == unix.ENOENT:
			return errno
		case errno == unix.ENOENT: // removed meanwhile
		default:
			return 0
		}
	}
	m.plain = true
	return 0
}

// look is what is left to look at of a tree.
type look struct {
	folders []string // relative to the parent of the first
	inside  int
}

// through reads one directory. It reports whether there are only files and
// directories, and not too many.
func (l *look) through(d Descriptor, folder string) (plain bool) {
	buf := entryBuffers.Get().(*[maxEntries]byte)
	defer entryBuffers.Put(buf)
	for {
		n, err := unix.Getdents(int(d), buf[:])
		if err != nil {
			return false
		}
		if n == 0 {
			return true
		}
		for rest := buf[:n]; len(rest) > 0; {
			var name []byte
			var kind uint32
			name, kind, rest = nextEntry(rest)
			if l.inside++; l.inside > maxInside {
				return false
			}
			if kind == 0 {
				kind = kindAt(d, string(name))
			}
			switch {
			case string(name) == ".", string(name) == "..", kind == unix.S_IFREG:
			case kind == unix.S_IFDIR && len(l.folders) < maxFolders:
				l.folders = append(l.folders, folder+"/"+string(name))
			default:
				return false
			}
		}
	}
}

// nextEntry splits the first struct linux_dirent64 off what the kernel wrote.
// The kind is 0 on file systems that do not say it.
func nextEntry(b []byte) (name []byte, kind uint32, rest []byte) {
	const header = 19 // inode, offset, length, kind
	size := int(binary.NativeEndian.Uint16(b[16:]))
	name = b[header:size]
	if end := bytes.IndexByte(name, 0); end >= 0 {
		name = name[:end]
	}
	return name, uint32(b[18]) << 12, b[size:] // DT_REG is S_IFREG >> 12
}

// kindAt asks for a name's type; 0 when it is gone or cannot be told.
func kindAt(d Descriptor, name string) uint32 {
	var s unix.Stat_t
	if err := unix.Fstatat(int(d), name, &s, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return 0
	}
	return s.Mode & unix.S_IFMT
}
