package broker

import (
	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// overflow is who owns everything in the sandbox's eyes. The host's owners
// are none of its business, and fstat, which the filter allows, shows this for
// each in a user namespace without a map; the two must agree.
const overflow = 65534

// fstatat serves stat, lstat and newfstatat.
func (r *request) fstatat() (int64, unix.Errno) {
	flags, result := uint64(0), r.args[1]
	switch r.call.Name {
	case "lstat":
		flags = unix.AT_SYMLINK_NOFOLLOW
	case "newfstatat":
		flags, result = uint64(uint32(r.args[3])), r.args[2]
	}
	if flags&^(unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT|unix.AT_EMPTY_PATH) != 0 {
		return 0, unix.EINVAL
	}
	o, errno := r.named(flags, syscallpolicy.KindStat)
	if errno != 0 {
		return 0, errno
	}
	o.close()
	o.stat.Uid, o.stat.Gid = overflow, overflow
	return 0, r.write(result, statBytes(o.stat))
}

// named finds what a call with AT_ flags means: a path, or with an empty one
// the file behind the descriptor. That file the sandbox has open, whatever it
// is, so there is nothing to decide; its stat is what fstat would tell.
func (r *request) named(flags uint64, kind syscallpolicy.Kind) (object, unix.Errno) {
	w := wish{kind: kind, follow: flags&unix.AT_SYMLINK_NOFOLLOW == 0}
	at := r.call.Path
	var text []byte
	if flags&unix.AT_EMPTY_PATH == 0 || at.Path.Of(r.args) != 0 {
		var errno unix.Errno
		if text, errno = readPath(r.c, at.Path.Of(r.args), &r.text); errno != 0 {
			return object{}, errno
		}
	}
	if errno := r.valid(); errno != 0 {
		return object{}, errno
	}
	if len(text) > 0 || flags&unix.AT_EMPTY_PATH == 0 {
		from, errno := r.placeOf(at.Dir, text)
		if errno != 0 {
			return object{}, errno
		}
		return r.find(from, w)
	}
	if at.Dir.Int(r.args) == unix.AT_FDCWD {
		return r.find(place{r.b.currentDirectory(), []byte(".")}, w)
	}
	if errno := r.byName(); errno != 0 {
		return object{}, errno
	}
	d, errno := r.file(at.Dir)
	if errno != 0 {
		return object{}, errno
	}
	o := object{fd: d, stat: &r.stat}
	if errno := d.stat(o.stat); errno != 0 {
		d.Close()
		return object{}, errno
	}
	return o, 0
}

// statxat serves statx.
func (r *request) statxat() (int64, unix.Errno) {
	const sync = unix.AT_STATX_FORCE_SYNC | unix.AT_STATX_DONT_SYNC
	flags, mask := uint64(uint32(r.args[2])), uint32(r.args[3])
	if flags&^(unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT|unix.AT_EMPTY_PATH|sync) != 0 ||
		flags&sync == sync || mask&unix.STATX__RESERVED != 0 {
		return 0, unix.EINVAL
	}
	o, errno := r.named(flags, syscallpolicy.KindStat)
	if errno != 0 {
		return 0, errno
	}
	defer o.close()
	if err := unix.Statx(int(o.fd), "", int(unix.AT_EMPTY_PATH|flags&sync), int(mask), &r.statx); err != nil {
		return 0, errnoOf(err)
	}
	r.statx.Uid, r.statx.Gid = overflow, overflow
	return 0, r.write(r.args[4], statxBytes(&r.statx))
}

// readlink serves readlink and readlinkat.
func (r *request) readlink() (int64, unix.Errno) {
	result, size := r.args[1], int32(r.args[2])
	if r.call.Name == "readlinkat" {
		result, size = r.args[2], int32(r.args[3])
	}
	if size <= 0 {
		return 0, unix.EINVAL
	}
	at, errno := r.place(r.call.Path)
	if errno != 0 {
		return 0, errno
	}
	o, errno := r.find(at, wish{kind: syscallpolicy.KindStat})
	if errno != 0 {
		return 0, errno
	}
	defer o.close()
	if o.kind() != unix.S_IFLNK {
		return 0, unix.EINVAL
	}
	n, err := unix.Readlinkat(int(o.fd), "", r.text[:min(int(size), len(r.text))])
	if err != nil {
		return 0, errnoOf(err)
	}
	return int64(n), r.write(result, r.text[:n])
}

// access serves access, faccessat and faccessat2: it says what an open would.
func (r *request) access() (int64, unix.Errno) {
	mode, flags := r.args[1], uint64(0)
	switch r.call.Name {
	case "faccessat":
		mode = r.args[2]
	case "faccessat2":
		mode, flags = r.args[2], uint64(uint32(r.args[3]))
	}
	const all = unix.R_OK | unix.W_OK | unix.X_OK
	if uint32(mode)&^all != 0 || flags&^(unix.AT_EACCESS|unix.AT_SYMLINK_NOFOLLOW|unix.AT_EMPTY_PATH) != 0 {
		return 0, unix.EINVAL
	}
	o, errno := r.named(flags, syscallpolicy.KindStat)
	if errno != 0 {
		return 0, errno
	}
	defer o.close()
	switch {
	case uint32(mode) == 0:
		return 0, 0
	case o.path == "":
		return 0, unix.EACCES // of a descriptor nothing was decided but what it can do
	}
	return 0, r.may(&o, uint32(mode))
}

// may decides whether an object could be opened to read or write, and asks the
// kernel if the supervisor could. Nothing is ever executed.
func (r *request) may(o *object, mode uint32) unix.Errno {
	folder := o.kind() == unix.S_IFDIR
	read, change := syscallpolicy.KindOpen, syscallpolicy.KindOpen
	if folder {
		read, change = syscallpolicy.KindList, syscallpolicy.KindCreate
	}
	if mode&unix.R_OK != 0 && r.operation(read, false, o.path).Refuses() {
		return unix.EACCES
	}
	if mode&unix.W_OK != 0 {
		if o.virtual != nil {
			return unix.EROFS
		}
		if r.operation(change, true, o.path).Refuses() {
			return unix.EACCES
		}
		if errno := r.writable(o); errno != 0 {
			return errno
		}
	}
	if mode&unix.X_OK != 0 && !folder {
		return unix.EACCES
	}
	if o.virtual != nil {
		return 0
	}
	return errnoOf(unix.Faccessat2(int(o.fd), "", mode, unix.AT_EMPTY_PATH|unix.AT_EACCESS))
}

// statfs tells the room in scratch. That of the host's file systems is for
// the host.
func (r *request) statfs() (int64, unix.Errno) {
	var o object
	var errno unix.Errno
	if r.call.Name == "fstatfs" {
		o.fd, errno = r.file(r.call.FD)
		if errno == 0 {
			if errno = o.fd.stat(&r.stat); errno == 0 && r.ownFile() {
				o.root = r.b.scratch
			}
			defer o.close()
		}
	} else {
		var at place
		if at, errno = r.place(r.call.Path); errno == 0 {
			if o, errno = r.find(at, wish{kind: syscallpolicy.KindStat, follow: true}); errno == 0 {
				defer o.close()
			}
		}
	}
	if errno != 0 {
		return 0, errno
	}
	if o.root == nil || !o.root.own {
		return 0, unix.ENOSYS
	}
	var s unix.Statfs_t
	if err := unix.Fstatfs(int(r.b.scratch.dir), &s); err != nil {
		return 0, errnoOf(err)
	}
	return 0, r.write(r.args[1], statfsBytes(&s))
}
