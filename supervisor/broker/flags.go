package broker

import (
	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// opening is what an open asks for, once its flags were judged.
type opening struct {
	kind  syscallpolicy.Kind
	write bool // it can change the file, or make one

	flags       int // for the reopen: access mode, O_TRUNC, O_APPEND, O_SYNC
	mode        uint32
	create      bool
	exclusive   bool
	temporary   bool // O_TMPFILE
	folder      bool
	follow      bool
	beneath     bool
	noLinks     bool
	closeOnExec bool
}

// plain is an open that reads, and changes nothing on the way.
func (o opening) plain() bool { return !o.write && !o.create && !o.folder }

const (
	permissions = 0o777
	tmpfile     = unix.O_TMPFILE &^ unix.O_DIRECTORY

	// pathFlags are what O_PATH leaves of other flags.
	pathFlags = unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC

	// passed are the flags that the opened file keeps. Not O_NOATIME, which
	// the owner of a file decides; O_ASYNC, which would send signals; and
	// O_NONBLOCK, which is set anyway and means nothing on files.
	passed = unix.O_ACCMODE | unix.O_TRUNC | unix.O_APPEND | unix.O_SYNC | unix.O_DSYNC

	// known are the flags that openat2 takes; it refuses others, which the
	// older calls ignore.
	known = passed | pathFlags | unix.O_CREAT | unix.O_EXCL | unix.O_NOCTTY | unix.O_NONBLOCK | unix.O_ASYNC |
		unix.O_DIRECT | largeFile | unix.O_NOATIME | tmpfile
)

// judgeOpen reads the flags of open, openat and creat.
func judgeOpen(flags, mode uint64) (opening, unix.Errno) {
	flags &= known
	if flags&unix.O_PATH != 0 {
		flags &= pathFlags
	}
	if flags&(unix.O_CREAT|tmpfile) == 0 {
		mode = 0
	}
	return judgeOpenHow(&unix.OpenHow{Flags: flags, Mode: mode & 0o7777})
}

// judgeOpenHow reads the flags of openat2, which is strict.
func judgeOpenHow(how *unix.OpenHow) (opening, unix.Errno) {
	flags := how.Flags
	if !coherent(how) {
		return opening{}, unix.EINVAL
	}
	o := opening{
		flags: int(flags & passed), mode: uint32(how.Mode & permissions),
		create: flags&unix.O_CREAT != 0, exclusive: flags&(unix.O_CREAT|unix.O_EXCL) == unix.O_CREAT|unix.O_EXCL,
		temporary: flags&tmpfile != 0, folder: flags&unix.O_DIRECTORY != 0,
		closeOnExec: flags&unix.O_CLOEXEC != 0,
		beneath:     how.Resolve&unix.RESOLVE_BENEATH != 0, noLinks: how.Resolve&unix.RESOLVE_NO_SYMLINKS != 0,
	}
	o.follow = flags&unix.O_NOFOLLOW == 0 && !o.exclusive
	// A descriptor that only names a file cannot be handed over, so O_PATH
	// gives one that reads, and is decided as that.
	o.kind, o.write = syscallpolicy.OpenKind(flags &^ unix.O_PATH)
	return o, 0
}

// coherent refuses what the kernel refuses before it looks at the path, and
// three things more: O_DIRECT, as file systems without it do; the access mode
// 3, which is for drivers; and RESOLVE_IN_ROOT, which would give the sandbox
// a second idea of what a path means.
func coherent(how *unix.OpenHow) bool {
	flags, create := how.Flags, how.Flags&(unix.O_CREAT|tmpfile) != 0
	const resolve = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV
	switch {
	case flags&^known != 0, how.Resolve&^resolve != 0:
		return false
	case !create && how.Mode != 0, how.Mode&^0o7777 != 0:
		return false
	case flags&unix.O_PATH != 0 && flags&^pathFlags != 0:
		return false
	case flags&unix.O_CREAT != 0 && flags&unix.O_DIRECTORY != 0:
		return false
	case flags&tmpfile != 0 && (flags&unix.O_DIRECTORY == 0 || flags&(unix.O_WRONLY|unix.O_RDWR) == 0):
		return false
	case flags&unix.O_ACCMODE == unix.O_ACCMODE, flags&unix.O_DIRECT != 0:
		return false
	}
	return true
}
