package broker

import (
	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// Slow tells which calls may take long even where nothing is wrong: a
// connection waits for its peer, a sync for the disk, the end of a file frees
// its blocks, and what moves or makes directories waits for its turn. Who
// answers a sandbox's calls one after the other serves these apart, so that its
// other threads go on. All else is as quick as a local file system (an open
// that empties a file too: few files are large); on a network share that hangs,
// every call hangs with it.
//
// It goes by the call alone, before anything of it was read.
func Slow(call syscallpolicy.Syscall) bool {
	switch call.Name {
	case "connect",
		"fsync", "fdatasync",
		"truncate", "ftruncate",
		"unlink", "unlinkat", "rmdir",
		"rename", "renameat", "renameat2", "mkdir", "mkdirat":
		return true
	}
	return false
}

// maxSlow bounds the slow calls of one sandbox that are under way. On kernels
// that let a signal break off a waiting call, its threads could leave one
// behind after the other, each with descriptors and a thread of ours.
const maxSlow = 64

// enterSlow takes a place for a slow call.
func (r *request) enterSlow() unix.Errno {
	if r.b.slow.Add(1) > maxSlow {
		r.b.slow.Add(-1)
		return r.refuse(unix.EAGAIN, whySlow)
	}
	return 0
}

func (r *request) leaveSlow() { r.b.slow.Add(-1) }
