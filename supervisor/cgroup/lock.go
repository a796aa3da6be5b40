package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// errLost means that another supervisor's Open took a new directory for a dead
// supervisor's before it was locked.
var errLost = errors.New("taken for a dead supervisor's")

// claim makes the tree's directory in this hierarchy and locks it.
func (h *hierarchy) claim(name string) error {
	dir := filepath.Join(h.place, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	h.dir = dir
	lock, err := lockDir(dir)
	if err != nil {
		if !errors.Is(err, errLost) {
			os.Remove(dir)
		}
		return err
	}
	h.lock = lock
	return nil
}

// release removes the tree's directory, then gives up the lock: in the other
// order somebody could find it alive without its lock.
func (h *hierarchy) release() error {
	if h.lock == nil {
		return nil
	}
	err := os.Remove(h.dir)
	h.lock.Close()
	h.lock = nil
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// lockDir opens a directory and locks it for as long as it stays open. It
// fails with errLost if somebody else holds the lock or removed the directory.
func lockDir(path string) (*os.File, error) {
	fd, err := openat(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW)
	if errors.Is(err, unix.ENOENT) {
		return nil, fmt.Errorf("%s: %w", path, errLost)
	} else if err != nil {
		return nil, err
	}
	dir := os.NewFile(uintptr(fd), path)
	if err := flock(fd); err != nil {
		dir.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = errLost
		}
		return nil, fmt.Errorf("flock %s: %w", path, err)
	}
	if !sameDir(dir, path) {
		dir.Close()
		return nil, fmt.Errorf("%s: %w", path, errLost)
	}
	return dir, nil
}

func flock(fd int) error {
	for {
		err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		if err != unix.EINTR {
			return err
		}
	}
}

// sameDir reports whether the open directory is still the one under the path.
func sameDir(dir *os.File, path string) bool {
	open, err := dir.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(open, there)
}
