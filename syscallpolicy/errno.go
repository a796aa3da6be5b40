package syscallpolicy

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// parseErrno reads an errno by name.
func parseErrno(name string) (unix.Errno, error) {
	for e := unix.Errno(1); e < 256; e++ {
		if name != "" && unix.ErrnoName(e) == name {
			return e, nil
		}
	}
	return 0, fmt.Errorf("there is no errno %q; write one like EACCES, ENOENT or ENOSYS", name)
}
