package broker

import (
	"os"

	"golang.org/x/sys/unix"
)

// executable are the bits that a file made on the host never has: a model
// computes, and what it writes is nobody's program.
const executable = 0o111

// unmapped is how the kernel shows an owner that has no number in this user
// namespace.
const unmapped = 65534

// adopt gives what was just made to the owner of the directory that it was
// made in, when the supervisor is root: what a model leaves in a user's
// directory is then that user's to read, to remove and to pay for, and not a
// file of root's with a hostile content. Where the kernel will not, as on a
// network share, it stays root's.
//
// made must be the new inode itself, and no name of it.
func (r *request) adopt(directory, made Descriptor) {
	if !isRoot || directory.stat(&r.stat) != 0 || r.stat.Uid == 0 || r.stat.Uid == unmapped {
		return
	}
	group := int(r.stat.Gid)
	if r.stat.Mode&unix.S_ISGID != 0 {
		group = -1 // which the kernel gave it already
	}
	unix.Fchownat(int(made), "", int(r.stat.Uid), group, unix.AT_EMPTY_PATH)
}

var isRoot = os.Geteuid() == 0

// makeDirectory makes a directory and has it adopted. It is opened by name for
// that, so no rename takes place meanwhile that could put a directory of the
// host's in its place.
func (r *request) makeDirectory(o *object, mode uint32) unix.Errno {
	if o.root.own || !isRoot {
		return errnoOf(unix.Mkdirat(int(o.fd), o.name, mode))
	}
	renames.Lock()
	defer renames.Unlock()
	if errno := errnoOf(unix.Mkdirat(int(o.fd), o.name, mode)); errno != 0 {
		return errno
	}
	r.local = append(append(r.local[:0], o.name...), "/.\x00"...)
	made, errno := r.openLocal(o.fd, howFlags, 0)
	if errno != 0 {
		r.refused = "" // it was made, whatever became of it since
		return 0
	}
	defer made.Close()
	r.adopt(o.fd, made)
	return 0
}
