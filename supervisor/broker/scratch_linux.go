package broker

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// ErrScratchPrivilege is NewScratch without the right to mount. A process in
// a user namespace of its own, where it has CAP_SYS_ADMIN and its user is
// mapped to the supervisor's, can make the scratch and hand it over: the
// mount belongs to its descriptor and outlives the process.
var ErrScratchPrivilege = errors.New("scratch needs CAP_SYS_ADMIN in the user namespace of this mount namespace")

// NewScratch makes a tmpfs of at most size bytes and inodes files and
// directories, attached nowhere: no path of any process leads to it, and with
// the last descriptor it is gone. Files in it start nothing and are no
// devices.
func NewScratch(size, inodes int64) (*os.File, error) {
	if size <= 0 || inodes <= 0 {
		return nil, fmt.Errorf("scratch of %d bytes and %d inodes: both must be more than 0, which would mean no limit", size, inodes)
	}
	fd, err := mountDetached(size, inodes)
	if errors.Is(err, unix.EPERM) {
		err = fmt.Errorf("%w (%w)", ErrScratchPrivilege, err)
	}
	if err != nil {
		return nil, fmt.Errorf("make scratch: %w", err)
	}
	return os.NewFile(uintptr(fd), "scratch"), nil
}

func mountDetached(size, inodes int64) (int, error) {
	fs, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("fsopen: %w", err)
	}
	defer unix.Close(fs)
	// One inode more: the root is one.
	options := [][2]string{
		{"size", strconv.FormatInt(size, 10)},
		{"nr_inodes", strconv.FormatInt(inodes+1, 10)},
		{"mode", "0700"},
	}
	for _, o := range options {
		if err := unix.FsconfigSetString(fs, o[0], o[1]); err != nil {
			return -1, fmt.Errorf("fsconfig %s=%s: %w", o[0], o[1], err)
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, fmt.Errorf("fsconfig create: %w", err)
	}
	const attributes = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, attributes)
	if err != nil {
		return -1, fmt.Errorf("fsmount: %w", err)
	}
	return fd, nil
}
