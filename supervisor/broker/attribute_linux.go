package broker

import (
	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// Attributes: in scratch they are the sandbox's own, and a change counts as a
// write to the file. On the host they never change, and a try is refused in
// the name of the call.

// atLocation is where the calls that end in "at" have their path. syscallpolicy
// does not say it of those that it knows by name only.
var atLocation = syscallpolicy.Location{Dir: syscallpolicy.Arg0, Path: syscallpolicy.Arg1}

// ownObject finds a file in scratch for a change of its attributes.
func (r *request) ownObject(at syscallpolicy.Location, follow bool) (object, unix.Errno) {
	from, errno := r.place(at)
	if errno != 0 {
		return object{}, errno
	}
	path := string(lexically(r.clean[:0], from.base, from.text).path)
	if o := r.b.rootOf(path); o == nil || !o.own {
		return object{}, r.attributeRefused()
	}
	o, errno := r.find(from, wish{kind: syscallpolicy.KindOpen, write: true, follow: follow})
	if errno == 0 && (o.virtual != nil || !o.root.own) {
		o.close()
		errno = r.refuse(unix.EPERM, whyAttributes)
	}
	return o, errno
}

// attributeRefused decides a change of a host file, to be recorded, and
// refuses it even where it would be allowed.
func (r *request) attributeRefused() unix.Errno {
	if errno := r.allowed(r.call.Kind, r.call.Write, r.call.Name); errno != 0 {
		return errno
	}
	return r.refuse(unix.EPERM, whyAttributes)
}

// chmod serves chmod, fchmodat and fchmodat2. It follows links: scratch has
// none with a mode of its own.
func (r *request) chmod() unix.Errno {
	at, mode, flags := atLocation, r.args[2], uint64(0)
	switch r.call.Name {
	case "chmod":
		at, mode = syscallpolicy.Location{Path: syscallpolicy.Arg0}, r.args[1]
	case "fchmodat2":
		flags = uint64(uint32(r.args[3]))
	}
	if flags&^unix.AT_SYMLINK_NOFOLLOW != 0 {
		return unix.EINVAL
	}
	o, errno := r.ownObject(at, flags == 0)
	if errno != 0 {
		return errno
	}
	defer o.close()
	if o.kind() == unix.S_IFLNK {
		return unix.EOPNOTSUPP
	}
	// An O_PATH descriptor has no fchmod before fchmodat2; its name in
	// /proc is the object.
	var number [16]byte
	name := o.fd.appendNumber(number[:0])
	return errnoOf(unix.Fchmodat(int(r.b.procfd), string(name[:len(name)-1]), uint32(mode)&permissions, 0))
}

// fchmod changes the mode of an open file in scratch.
func (r *request) fchmod() unix.Errno {
	d, errno := r.ownDescriptor(syscallpolicy.Arg0)
	if errno != 0 {
		return errno
	}
	defer d.Close()
	return errnoOf(unix.Fchmod(int(d), uint32(r.args[1])&permissions))
}

// ownDescriptor is the file behind one of the sandbox's descriptors if it lies
// in scratch.
func (r *request) ownDescriptor(fd syscallpolicy.Arg) (Descriptor, unix.Errno) {
	d, errno := r.file(fd)
	if errno != 0 {
		return none, errno
	}
	if errno = d.stat(&r.stat); errno == 0 && !r.ownFile() {
		errno = r.attributeRefused()
	}
	if errno != 0 {
		d.Close()
		return none, errno
	}
	return d, 0
}

// utimes serves utimensat, with a path or, without one, for a descriptor.
func (r *request) utimes() unix.Errno {
	times, errno := r.timespecs(r.args[2])
	if errno != 0 {
		return errno
	}
	if r.args[1] == 0 {
		if errno := r.valid(); errno != 0 {
			return errno
		}
		if errno := r.byName(); errno != 0 {
			return errno
		}
		d, errno := r.ownDescriptor(syscallpolicy.Arg0)
		if errno != 0 {
			return errno
		}
		defer d.Close()
		var number [16]byte
		name := d.appendNumber(number[:0])
		return errnoOf(unix.UtimesNanoAt(int(r.b.procfd), string(name[:len(name)-1]), times, 0))
	}
	flags := uint64(uint32(r.args[3]))
	if flags&^unix.AT_SYMLINK_NOFOLLOW != 0 {
		return unix.EINVAL
	}
	o, errno := r.ownObject(atLocation, flags == 0)
	if errno != 0 {
		return errno
	}
	defer o.close()
	return errnoOf(unix.UtimesNanoAt(int(o.fd), "", times, unix.AT_EMPTY_PATH))
}

// timespecs reads the two times of utimensat; no address means now.
func (r *request) timespecs(address uint64) ([]unix.Timespec, unix.Errno) {
	times := []unix.Timespec{{Nsec: unix.UTIME_NOW}, {Nsec: unix.UTIME_NOW}}
	if address == 0 {
		return times, 0
	}
	buf := r.text2[:32]
	if err := r.c.Read(address, buf); err != nil {
		return nil, unix.EFAULT
	}
	for i := range times {
		times[i] = unix.Timespec{Sec: int64(word(buf[16*i:])), Nsec: int64(word(buf[16*i+8:]))}
	}
	return times, 0
}

// xattr answers for extended attributes, of which the view has none: as file
// systems without them do, which programs that copy files expect.
func (r *request) xattr() unix.Errno {
	if r.call.Path.Path != syscallpolicy.NoArg {
		at, errno := r.place(r.call.Path)
		if errno != 0 {
			return errno
		}
		o, errno := r.find(at, wish{kind: syscallpolicy.KindStat, follow: r.call.Name[0] != 'l' || r.call.Name == "listxattr"})
		if errno != 0 {
			return errno
		}
		o.close()
	}
	return unix.EOPNOTSUPP
}
