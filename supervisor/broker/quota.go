package broker

import "golang.org/x/sys/unix"

// What a sandbox can cost the host's file systems. It writes through
// descriptors of its own, past this package, so the size of a file is bounded
// where the kernel bounds it for every writer: by RLIMIT_FSIZE of the sandbox's
// process. What is done here is done by the supervisor, which has no such
// limit, and keeps to the same number. The two together bound a file; the
// number of files is bounded by counting those that are made.
//
// The sum is no quota. Who lets hostile models write for long puts the root on
// a file system of its own size.

// maxMade is how many names one sandbox makes on the host. Removing one does
// not give it back: a count of what is there would have to be kept true while
// the host changes the same directories.
const maxMade = 10_000

// checkSize refuses a length beyond the limit, whatever the file's is now: it
// may be another when the length is set. In scratch a length costs nothing.
func (r *request) checkSize(size int64, own bool) unix.Errno {
	if size > r.b.maxFile && !own {
		return r.refuse(unix.EFBIG, whySize)
	}
	return 0
}

// making counts a name that is about to be made below a root. done says how
// that ended.
func (r *request) making(o *root) (done func(unix.Errno), errno unix.Errno) {
	if o.own {
		return func(unix.Errno) {}, 0 // a tmpfs counts its own
	}
	if r.b.made.Add(1) > maxMade {
		r.b.made.Add(-1)
		return nil, r.refuse(unix.EDQUOT, whyMade)
	}
	return func(errno unix.Errno) {
		if errno != 0 {
			r.b.made.Add(-1)
		}
	}, 0
}
