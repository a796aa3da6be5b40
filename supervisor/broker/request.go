package broker

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// request is one call being served. It is kept and reused with its buffers,
// as a call must not cost fresh memory.
type request struct {
	b      *Broker
	c      Caller
	call   syscallpolicy.Syscall
	args   [6]uint64
	thread int
	time   time.Time

	gone    bool
	refused string
	steps   int // looks at names that are left

	text, text2  [maxPath]byte // copies of the sandbox's paths
	clean, local []byte        // a path's clean text; the same below its root, with a NUL
	stat         unix.Stat_t
	statx        unix.Statx_t
	how          unix.OpenHow
}

var requests = sync.Pool{New: func() any {
	return &request{clean: make([]byte, 0, 2*maxPath), local: make([]byte, 0, 2*maxPath)}
}}

// maxEntries is what one getdents64 can give, as much as the C library asks
// for. Callers take less for an answer.
const maxEntries = 32 << 10

var entryBuffers = sync.Pool{New: func() any { return new([maxEntries]byte) }}

// Serve answers one call that came at a time: decides it and, if that allows
// it, does what it asks for. call is what syscallpolicy.Classify made of its
// number and args.
func (b *Broker) Serve(c Caller, call syscallpolicy.Syscall, args [6]uint64, thread int, at time.Time) Answer {
	b.serving.RLock()
	defer b.serving.RUnlock()
	if b.closed {
		return Answer{Errno: unix.ESRCH, Gone: true}
	}
	r := requests.Get().(*request)
	r.b, r.c, r.call, r.args, r.thread, r.time = b, c, call, args, thread, at
	r.gone, r.refused, r.steps = false, "", maxSteps
	value, errno := r.serveBounded()
	a := Answer{Value: value, Errno: errno, Gone: r.gone, Refused: r.refused}
	if errno == 0 {
		a.Refused = "" // of a try that was made again
	} else {
		a.Value = 0
	}
	r.b, r.c = nil, nil
	requests.Put(r)
	return a
}

// serveBounded serves a call when few that take long are under way.
func (r *request) serveBounded() (int64, unix.Errno) {
	if !Slow(r.call) {
		return r.serve()
	}
	if errno := r.enterSlow(); errno != 0 {
		return 0, errno
	}
	defer r.leaveSlow()
	return r.serve()
}

// serve goes by the call's name, as numbers differ by architecture.
func (r *request) serve() (int64, unix.Errno) {
	if undecided[r.call.Name] {
		if errno := r.byName(); errno != 0 {
			return 0, errno
		}
	}
	switch r.call.Name {
	case "openat", "open", "creat", "openat2":
		return r.open()
	case "newfstatat", "stat", "lstat":
		return r.fstatat()
	case "statx":
		return r.statxat()
	case "access", "faccessat", "faccessat2":
		return r.access()
	case "readlink", "readlinkat":
		return r.readlink()
	case "getdents64":
		return r.getdents()
	case "getdents":
		return 0, unix.ENOSYS // an older layout, for which nobody asks
	case "statfs", "fstatfs":
		return r.statfs()
	case "chdir", "fchdir":
		return r.chdir()
	case "getcwd":
		return r.getcwd()
	case "umask":
		return r.umask()
	}
	if value, errno, ok := r.serveChange(); ok {
		return value, errno
	}
	if value, errno, ok := r.serveDescriptor(); ok {
		return value, errno
	}
	if value, errno, ok := r.serveSocket(); ok {
		return value, errno
	}
	return r.other()
}

// serveChange has the calls that make, remove, move and change files by name.
func (r *request) serveChange() (value int64, errno unix.Errno, ok bool) {
	switch r.call.Name {
	case "mkdir", "mkdirat":
		errno = r.mkdir()
	case "unlink", "unlinkat", "rmdir":
		errno = r.remove()
	case "rename", "renameat", "renameat2":
		errno = r.rename()
	case "truncate":
		errno = r.truncate()
	case "symlink", "symlinkat":
		errno = r.symlink()
	case "link", "linkat":
		errno = r.link()
	case "chmod", "fchmodat", "fchmodat2":
		errno = r.chmod()
	case "utimensat":
		errno = r.utimes()
	case "getxattr", "lgetxattr", "listxattr", "llistxattr", "fgetxattr", "flistxattr":
		errno = r.xattr()
	default:
		return 0, 0, false
	}
	return 0, errno, true
}

// serveDescriptor has the calls that work on an open file and that the filter
// does not allow for all.
func (r *request) serveDescriptor() (value int64, errno unix.Errno, ok bool) {
	switch r.call.Name {
	case "ftruncate":
		errno = r.ftruncate()
	case "fsync", "fdatasync":
		errno = r.sync()
	case "fchmod":
		errno = r.fchmod()
	case "flock":
		errno = r.flock()
	case "fcntl":
		errno = r.fcntl()
	default:
		return 0, 0, false
	}
	return 0, errno, true
}

// what this call tries, for the policy.
func (r *request) what(kind syscallpolicy.Kind, write bool, target string) syscallpolicy.Operation {
	return syscallpolicy.Operation{
		Kind: kind, Target: target, Write: write,
		Syscall: r.call.Name, Args: r.args, Thread: r.thread, Time: r.time,
	}
}

// operation decides what this call tries on a target.
func (r *request) operation(kind syscallpolicy.Kind, write bool, target string) syscallpolicy.Decision {
	return r.b.decide(r.what(kind, write, target))
}

// allowed decides an operation that has no substitute.
func (r *request) allowed(kind syscallpolicy.Kind, write bool, target string) unix.Errno {
	if d := r.operation(kind, write, target); d.Effect != syscallpolicy.Allow {
		return d.ErrnoOrEPERM()
	}
	return 0
}

// refuse is for what was allowed and is not done all the same.
func (r *request) refuse(errno unix.Errno, why string) unix.Errno {
	r.refused = why
	return errno
}

// Why something allowed was not done.
const (
	whyAbove      = "the directory that has it was not granted"
	whyNoRoot     = "it lies below no granted root"
	whyType       = "it is neither a regular file nor a directory"
	whyMount      = "the way to it leads over another mount, or out of what was granted"
	whyReadOnly   = "it was granted for reading only"
	whySetID      = "it is a set-user-id file"
	whyAttributes = "attributes, locks and owners of host files never change"
	whyLink       = "links are made in scratch only, and those of the host stay where they are"
	whyMove       = "the policy allows more at the new path than at the old one, there or below"
	whyHolds      = "in the directory there are links or special files, which stay where they are, or too many files to look through"
	whyRoots      = "something below the directory was granted or stands there as a virtual file"
	whySize       = "the file would be larger than the limit"
	whyMade       = "too many files and directories were made"
	whySlow       = "too many calls that take long are under way"
	whyNetwork    = "no network was granted"
	whySpecial    = "the name leads to an address of the host or its own networks, which only a grant of that address allows"
	whyCall       = "no call of this kind is performed for a sandbox"
)

// valid is asked after the last read of a call.
func (r *request) valid() unix.Errno {
	if !r.c.Valid() {
		return r.lost()
	}
	return 0
}

// lost is a call whose thread waits no longer.
func (r *request) lost() unix.Errno {
	r.gone = true
	return unix.ESRCH
}

// write puts a result into the caller's memory.
func (r *request) write(address uint64, data []byte) unix.Errno {
	if err := r.c.Write(address, data); err != nil {
		return unix.EFAULT
	}
	return 0
}

// inject gives a descriptor to the sandbox.
func (r *request) inject(d Descriptor, closeOnExec bool) (int64, unix.Errno) {
	fd, err := r.c.Inject(d, closeOnExec)
	switch errno := errnoOf(err); errno {
	case 0:
		return int64(fd), 0
	case unix.ENOENT, unix.ESRCH, unix.EINPROGRESS:
		return 0, r.lost()
	default:
		return 0, errno
	}
}

// file is the file behind one of the sandbox's descriptors, in the argument.
func (r *request) file(fd syscallpolicy.Arg) (Descriptor, unix.Errno) {
	n := fd.Int(r.args)
	if n < 0 {
		return none, unix.EBADF
	}
	d, err := r.c.File(n)
	switch errno := errnoOf(err); errno {
	case 0:
		return d, 0
	case unix.ESRCH:
		return none, r.lost()
	default:
		return none, errno
	}
}

// other refuses what is never performed, in the words of the policy. Where a
// path is at hand it is named, for the record.
func (r *request) other() (int64, unix.Errno) {
	target := r.call.Name
	if at := r.call.Path; at.Path != syscallpolicy.NoArg {
		if text, errno := readPath(r.c, at.Path.Of(r.args), &r.text); errno == 0 {
			target = string(lexically(r.clean[:0], r.b.currentDirectory(), text).path)
		}
		if errno := r.valid(); errno != 0 {
			return 0, errno
		}
	}
	if errno := r.allowed(r.call.Kind, r.call.Write, target); errno != 0 {
		return 0, errno
	}
	return 0, r.refuse(unix.EPERM, whyCall)
}
