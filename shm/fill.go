package shm

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// FillFrom copies size bytes at offset off of f to the region's beginning,
// inside the kernel where it can. A file that ends early is an error, and
// the region then holds a part. The descriptor's position is used, so it is
// for a region that nobody else holds yet.
func (r *Region) FillFrom(f *os.File, off, size int64) error {
	if off < 0 || !within(0, size, r.size) {
		return fmt.Errorf("fill region: %d bytes from offset %d into %d", size, off, r.size)
	}
	done, err := r.sendFrom(f, off, size)
	if err == nil && done < size {
		err = r.readFrom(f, off+done, done, size-done)
	}
	if err != nil {
		return fmt.Errorf("fill region: %w", err)
	}
	return nil
}

// sendFrom gives how far it came: all the way, or to where the file's kind
// cannot be copied so.
func (r *Region) sendFrom(f *os.File, off, size int64) (done int64, err error) {
	err = control(r.file, func(out int) error {
		if err := rewind(out); err != nil {
			return err
		}
		// Whoever gets the descriptor shares its position.
		defer rewind(out)
		return control(f, func(in int) (err error) {
			done, err = sendFile(out, in, off, size)
			return err
		})
	})
	return done, err
}

// sendFile is not copy_file_range, because that refuses to cross file
// systems, and a memfd has one of its own.
func sendFile(out, in int, off, size int64) (done int64, err error) {
	for done < size {
		n, err := unix.Sendfile(out, in, &off, int(min(size-done, 1<<30)))
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EINVAL || err == unix.ENOSYS || err == unix.EAGAIN:
			return done, nil
		case err != nil:
			return done, fmt.Errorf("sendfile: %w", err)
		case n == 0:
			return done, truncated(size-done, off)
		}
		done += int64(n)
	}
	return done, nil
}

func rewind(fd int) error {
	if _, err := unix.Seek(fd, 0, io.SeekStart); err != nil {
		return fmt.Errorf("rewind region: %w", err)
	}
	return nil
}

// readFrom is the way for files that sendfile does not take, as most of
// /proc: it reads into a mapping of the region, at offset at.
func (r *Region) readFrom(f *os.File, off, at, size int64) error {
	mapping, err := r.Map()
	if err != nil {
		return err
	}
	n, err := f.ReadAt(mapping[at:at+size], off)
	switch {
	case int64(n) == size:
		return nil
	case err == io.EOF:
		return truncated(size-int64(n), off+int64(n))
	}
	return fmt.Errorf("read at offset %d: %w", off+int64(n), cause(err))
}

func truncated(missing, off int64) error {
	return fmt.Errorf("truncated: %d bytes are missing at offset %d", missing, off)
}
