package shm

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Adopt makes a region of a descriptor that another process passed. It must
// be what Create, then Freeze, Seal or FreezeOthers made: a file on tmpfs that
// can neither shrink nor grow and that nobody can start to write. Anything
// else could block a reader (a fifo, a device, a file on FUSE) or change under
// one. With FreezeOthers its owner still writes: every read may differ.
//
// The region takes file over; after an error it stays the caller's.
func Adopt(file *os.File) (*Region, error) {
	r := &Region{file: file}
	err := control(file, func(fd int) (err error) {
		r.size, err = adoptable(fd)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("adopt region: %w", err)
	}
	return r, nil
}

// adoptable gives the file's size. The seals come first: to ask for them
// never leaves the kernel, and only files of tmpfs and of huge pages have
// any, while fstat or fstatfs of a file on FUSE waits for a server that its
// sender may be. The size comes last: without the seals it may be changing.
func adoptable(fd int) (int64, error) {
	seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err != nil {
		return 0, fmt.Errorf("not a memfd: read seals: %w", err)
	}
	if err := enough(seals); err != nil {
		return 0, err
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return 0, fmt.Errorf("fstatfs: %w", err)
	}
	// Huge pages run out: then a touch of a mapping raises SIGBUS.
	if fs.Type != unix.TMPFS_MAGIC {
		return 0, fmt.Errorf("not on tmpfs: a file system of type %#x", fs.Type)
	}
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		return 0, fmt.Errorf("fstat: %w", err)
	}
	return info.Size, nil
}

// enough tells that the seals are as Adopt wants them.
func enough(seals int) error {
	switch {
	case seals&unix.F_SEAL_SHRINK == 0:
		return errors.New("not sealed: it can shrink")
	case seals&unix.F_SEAL_GROW == 0:
		return errors.New("not sealed: it can grow")
	case seals&(unix.F_SEAL_WRITE|unix.F_SEAL_FUTURE_WRITE) == 0:
		return errors.New("not sealed: it can be written")
	}
	return nil
}
