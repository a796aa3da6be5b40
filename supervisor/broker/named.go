package broker

import (
	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// undecided are the calls on what the sandbox holds already: descriptors that
// the broker gave, each decided then, and its own text of a directory and a
// mask. They are done without a decision, unless the policy speaks of the call
// by its name. On what the broker did not give they are decided and refused.
var undecided = map[string]bool{
	"getcwd": true, "umask": true, "getdents64": true, "fstatfs": true,
	"ftruncate": true, "fsync": true, "fdatasync": true, "fchmod": true, "flock": true, "fcntl": true,
	"socket": true, "ioctl": true, "setsockopt": true, "getsockopt": true, "getpeername": true, "getsockname": true, "shutdown": true,
}

// byName asks what the policy says of a call by its name.
func (r *request) byName() unix.Errno {
	if r.b.named == nil {
		return 0
	}
	d, ok := r.b.named(r.what(r.call.Kind, r.call.Write, r.call.Name))
	if ok && d.Effect != syscallpolicy.Allow {
		return d.ErrnoOrEPERM()
	}
	return 0
}
