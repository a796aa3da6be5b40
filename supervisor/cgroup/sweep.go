package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// sweepLimit bounds what one Open spends on the trees of dead supervisors.
const sweepLimit = 2 * time.Second

// sweep clears the trees of dead supervisors beside the own one. The
// hierarchies are independent: each directory has its own lock. The freezer's
// comes first, because what is frozen does not die of a SIGKILL.
func (t *Tree) sweep() error {
	deadline := time.Now().Add(sweepLimit)
	var errs []error
	for _, h := range t.hierarchies {
		names, err := listDir(h.place)
		errs = append(errs, err)
		for _, name := range names {
			if name != t.name && treeName.MatchString(name) {
				errs = append(errs, sweepOne(filepath.Join(h.place, name), deadline))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("clear control groups of a dead supervisor: %w", err)
	}
	return nil
}

// sweepOne removes a tree if its supervisor is dead. Another user's cannot be
// opened and is left to that user.
func sweepOne(dir string, deadline time.Time) error {
	lock, err := lockDir(dir)
	switch {
	case errors.Is(err, errLost), errors.Is(err, fs.ErrPermission):
		return nil
	case err != nil:
		return err
	}
	defer lock.Close()
	names, err := listDir(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		if group := filepath.Join(dir, name); isDir(group) {
			errs = append(errs, killDir(group, deadline), removeDir(group, deadline))
		}
	}
	return errors.Join(append(errs, killDir(dir, deadline), removeDir(dir, deadline))...)
}

// removeDir removes a group whose processes are dying. The kernel says EBUSY
// until the last is gone.
func removeDir(dir string, deadline time.Time) error {
	for wait := 50 * time.Microsecond; ; wait = min(2*wait, 10*time.Millisecond) {
		err := unix.Rmdir(dir)
		switch {
		case err == nil, err == unix.ENOENT:
			return nil
		case err != unix.EBUSY && err != unix.EINTR, time.Now().After(deadline):
			return &os.PathError{Op: "rmdir", Path: dir, Err: err}
		}
		time.Sleep(wait)
	}
}

func listDir(dir string) ([]string, error) {
	fd, err := openat(dir, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var names []string
	for buf := make([]byte, 8192); ; {
		n, err := unix.ReadDirent(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			return names, err
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}
