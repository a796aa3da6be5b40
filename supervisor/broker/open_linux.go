package broker

import (
	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// maxTries bounds how often an open starts again because a name came or went
// between two looks.
const maxTries = 8

// open serves open, openat, creat and openat2.
func (r *request) open() (int64, unix.Errno) {
	o, errno := r.opening()
	if errno != 0 {
		return 0, errno
	}
	at, errno := r.place(r.call.Path)
	if errno != 0 {
		return 0, errno
	}
	w := wish{kind: o.kind, write: o.write, follow: o.follow, beneath: o.beneath, noLinks: o.noLinks}
	w.once, w.flags = o.plain(), o.flags
	if o.create {
		w.mode = anyOrNone
		if at.text[len(at.text)-1] == '/' {
			w.mode = aParent
		}
	}
	if o.beneath && at.text[0] == '/' {
		return 0, unix.EXDEV
	}
	for range maxTries {
		fd, errno := r.openOnce(at, w, o)
		if errno != 0 || fd != none {
			return r.give(fd, errno, o.closeOnExec)
		}
	}
	return 0, unix.EAGAIN
}

func (r *request) give(d Descriptor, errno unix.Errno, closeOnExec bool) (int64, unix.Errno) {
	if errno != 0 {
		return 0, errno
	}
	defer d.Close()
	return r.inject(d, closeOnExec)
}

// opening reads what is asked for from the call's arguments.
func (r *request) opening() (opening, unix.Errno) {
	switch r.call.Name {
	case "creat":
		return judgeOpen(unix.O_CREAT|unix.O_WRONLY|unix.O_TRUNC, uint64(uint32(r.args[1])))
	case "open":
		return judgeOpen(uint64(uint32(r.args[1])), uint64(uint32(r.args[2])))
	case "openat":
		return judgeOpen(uint64(uint32(r.args[2])), uint64(uint32(r.args[3])))
	}
	how, errno := r.openHow(r.args[2], r.args[3])
	if errno != 0 {
		return opening{}, errno
	}
	return judgeOpenHow(&how)
}

// openHow copies a struct open_how, whose size says how new its writer is:
// what a later version added must be zero.
func (r *request) openHow(address, size uint64) (unix.OpenHow, unix.Errno) {
	switch {
	case size < unix.SizeofOpenHow:
		return unix.OpenHow{}, unix.EINVAL
	case size > pageSize:
		return unix.OpenHow{}, unix.E2BIG
	}
	buf := r.text[:size]
	if err := r.c.Read(address, buf); err != nil {
		return unix.OpenHow{}, unix.EFAULT
	}
	for _, b := range buf[unix.SizeofOpenHow:] {
		if b != 0 {
			return unix.OpenHow{}, unix.E2BIG
		}
	}
	return unix.OpenHow{Flags: word(buf), Mode: word(buf[8:]), Resolve: word(buf[16:])}, 0
}

// openOnce gives a descriptor to hand over, or none when a name that was to
// be made is there by now.
func (r *request) openOnce(at place, w wish, o opening) (Descriptor, unix.Errno) {
	f, errno := r.find(at, w)
	if errno != 0 {
		return none, errno
	}
	defer f.close()
	switch {
	case f.virtual != nil:
		return r.openVirtual(&f, o)
	case f.isParent():
		return r.create(&f, o)
	case f.opened:
		fd := f.fd
		f.fd = none
		return fd, 0
	}
	if errno := openable(&f, o); errno != 0 {
		return none, errno
	}
	switch f.kind() {
	case unix.S_IFDIR:
		return r.openDirectory(&f, o)
	case unix.S_IFREG:
		return r.openFile(&f, o)
	case unix.S_IFLNK:
		return none, unix.ELOOP
	}
	return none, r.refuse(unix.EACCES, whyType)
}

// openable is what the kernel would say to these flags on what is there.
func openable(f *object, o opening) unix.Errno {
	folder := f.kind() == unix.S_IFDIR
	switch {
	case o.create && f.folder && f.end == endsInName:
		return unix.EISDIR
	case o.exclusive:
		return unix.EEXIST
	case o.folder && !folder:
		return unix.ENOTDIR
	case folder && o.create, folder && o.write && !o.temporary:
		return unix.EISDIR
	}
	return 0
}

// openDirectory gives a directory's descriptor, which lists it: so it is
// decided as a list, whatever the flags said.
func (r *request) openDirectory(f *object, o opening) (Descriptor, unix.Errno) {
	if o.temporary {
		return r.createTemporary(f, o)
	}
	if o.kind != syscallpolicy.KindList {
		if errno := r.allowed(syscallpolicy.KindList, false, f.path); errno != 0 {
			return none, errno
		}
	}
	return r.b.reopen(f.fd, o.flags|unix.O_DIRECTORY)
}

func (r *request) openFile(f *object, o opening) (Descriptor, unix.Errno) {
	if o.write && (o.flags&unix.O_TRUNC != 0 || o.flags&unix.O_ACCMODE != unix.O_RDONLY) {
		if errno := r.writable(f); errno != 0 {
			return none, errno
		}
	}
	fd, errno := r.b.reopen(f.fd, o.flags)
	if errno == 0 && o.plain() && !f.root.own {
		r.b.expected.add(f.path)
	}
	return fd, errno
}

// writable refuses what is never written to. A set-user-id program that the
// supervisor may write to would become the sandbox's with its owner's rights
// on the host; the kernel clears the bit at the sandbox's first write, so this
// is the second wall.
func (r *request) writable(f *object) unix.Errno {
	if !f.root.write {
		return r.refuse(unix.EROFS, whyReadOnly)
	}
	if f.stat != nil && f.stat.Mode&(unix.S_ISUID|unix.S_ISGID) != 0 && !f.root.own && f.kind() == unix.S_IFREG {
		return r.refuse(unix.EPERM, whySetID)
	}
	return 0
}

// create makes a file that was not there. It never opens one that is, of
// which the type would be unknown.
func (r *request) create(f *object, o opening) (Descriptor, unix.Errno) {
	if f.folder {
		return none, unix.EISDIR
	}
	if errno := r.writable(f); errno != 0 {
		return none, errno
	}
	r.local = append(append(r.local[:0], f.name...), 0)
	flags := o.flags&^unix.O_TRUNC | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | reopenFlags
	fd, errno := r.makeFile(f, flags, o.mode)
	if errno == unix.EEXIST && !o.exclusive {
		return none, 0
	}
	return fd, errno
}

// makeFile makes what r.local says, in the directory that f stands for.
func (r *request) makeFile(f *object, flags int, mode uint32) (Descriptor, unix.Errno) {
	done, errno := r.making(f.root)
	if errno != 0 {
		return none, errno
	}
	if !f.root.own {
		mode &^= executable
	}
	fd, errno := r.openLocal(f.fd, uint64(flags), r.b.masked(mode))
	done(errno)
	if errno == 0 && !f.root.own {
		r.adopt(f.fd, fd)
	}
	return fd, errno
}

// createTemporary makes a file without a name, which O_EXCL keeps it from
// ever getting.
func (r *request) createTemporary(f *object, o opening) (Descriptor, unix.Errno) {
	if errno := r.writable(f); errno != 0 {
		return none, errno
	}
	r.local = append(r.local[:0], '.', 0)
	flags := o.flags&^unix.O_TRUNC | unix.O_TMPFILE | unix.O_EXCL | reopenFlags
	return r.makeFile(f, flags, o.mode)
}
