package shm

import "golang.org/x/sys/unix"

// Filled tells that the first size bytes have pages: whoever looks at a page that
// nobody has written makes it, and it counts as his.
func (r *Region) Filled(size int64) bool {
	hole := int64(-1)
	err := control(r.file, func(fd int) (err error) {
		hole, err = unix.Seek(fd, 0, unix.SEEK_HOLE)
		return err
	})
	return err == nil && hole >= size
}
