package broker

import (
	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// Calls on open files that the filter does not allow for all descriptors,
// because some would reach further than the sandbox: done on those that the
// broker gave, where they cannot.

// given is a file that the broker gave: in scratch, or below a root. What the
// sandbox holds beside them are its pipes, its control socket and memory.
func (r *request) given(fd syscallpolicy.Arg) (Descriptor, unix.Errno) {
	d, errno := r.file(fd)
	if errno != 0 {
		return none, errno
	}
	if errno := d.stat(&r.stat); errno != 0 {
		d.Close()
		return none, errno
	}
	if r.ownFile() {
		return d, 0
	}
	if kind := r.stat.Mode & unix.S_IFMT; kind == unix.S_IFREG || kind == unix.S_IFDIR {
		if _, _, errno := r.pathOf(d); errno == 0 {
			return d, 0
		}
	}
	r.refused = ""
	d.Close()
	if errno := r.allowed(r.call.Kind, r.call.Write, r.call.Name); errno != 0 {
		return none, errno
	}
	return none, r.refuse(unix.EPERM, whyCall)
}

// ftruncate needs no decision: the descriptor was opened for writing or the
// kernel refuses, and opening it was decided.
func (r *request) ftruncate() unix.Errno {
	d, errno := r.given(syscallpolicy.Arg0)
	if errno != 0 {
		return errno
	}
	defer d.Close()
	if errno := r.checkSize(int64(r.args[1]), r.ownFile()); errno != 0 {
		return errno
	}
	return errnoOf(unix.Ftruncate(int(d), int64(r.args[1])))
}

// sync serves fsync and fdatasync. On the host it may take as long as the
// disk does.
func (r *request) sync() unix.Errno {
	d, errno := r.given(syscallpolicy.Arg0)
	if errno != 0 {
		return errno
	}
	defer d.Close()
	if r.call.Name == "fdatasync" {
		return errnoOf(unix.Fdatasync(int(d)))
	}
	return errnoOf(unix.Fsync(int(d)))
}

// flock locks a file in scratch, where nobody but the sandbox can be in the
// way. It never waits: who held the lock would be another thread of the same
// sandbox, and the broker's time is not the place to wait for it.
func (r *request) flock() unix.Errno {
	d, errno := r.ownDescriptor(syscallpolicy.Arg0)
	if errno != 0 {
		return errno
	}
	defer d.Close()
	return errnoOf(unix.Flock(int(d), int(int32(r.args[1]))|unix.LOCK_NB))
}

// fcntl serves what the filter leaves of it: the flags of given files, and
// record locks in scratch. Those belong to a process, so one would be the
// supervisor's; but within one process they never conflict, and scratch is
// seen by one only, so none has to be kept.
func (r *request) fcntl() unix.Errno {
	switch int32(r.args[1]) {
	case unix.F_SETFL:
		return r.setFlags()
	case unix.F_SETLK, unix.F_SETLKW:
		d, errno := r.ownDescriptor(syscallpolicy.Arg0)
		d.Close()
		return errno
	case unix.F_GETLK:
		d, errno := r.ownDescriptor(syscallpolicy.Arg0)
		if errno != 0 {
			return errno
		}
		d.Close()
		lock := unix.Flock_t{Type: unix.F_UNLCK}
		return r.write(r.args[2], flockBytes(&lock)[:2])
	}
	return r.attributeRefused()
}

// setFlags sets O_APPEND and O_NONBLOCK of a file that was opened for this
// sandbox alone. On others they would be shared with the host.
func (r *request) setFlags() unix.Errno {
	const settable = unix.O_APPEND | unix.O_NONBLOCK
	d, errno := r.socketOr(r.given)
	if errno != 0 {
		return errno
	}
	defer d.Close()
	_, err := unix.FcntlInt(uintptr(d), unix.F_SETFL, int(r.args[2]&settable))
	return errnoOf(err)
}
