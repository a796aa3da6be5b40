package arrayfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"

	"hotcell/shm"
	"hotcell/shm/npy"
)

// Store writes the array at ref in src as NAME.npy into an opened directory.
// The name must be valid for an array (shm.ValidName), so it cannot leave the
// directory. The file appears whole or not at all; what stood in its place is
// replaced, a link too, never followed. src may be changing: the checks of
// ref are the caller's, and the bytes are copied once.
func Store(dir *os.File, name string, ref shm.Ref, src io.ReaderAt) error {
	if !shm.ValidName(name) {
		return fmt.Errorf("store array: %s is not a valid name", shown(name))
	}
	return storeAs(dir, name+".npy", ref, src)
}

// StoreFile is Store at a path of the user's choice. Links in its directory
// part are followed, its last element is not.
func StoreFile(path string, ref shm.Ref, src io.ReaderAt) error {
	parent, base := filepath.Split(path)
	if base == "" || base == "." || base == ".." {
		return unusable("%s: an output needs the name of a file", shown(path))
	}
	if parent == "" {
		parent = "."
	}
	// O_PATH: a directory that may be written but not listed will do.
	dir, err := os.OpenFile(parent, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return unusable("open directory of output %s: %w", shown(path), cause(err))
	}
	defer dir.Close()
	return storeAs(dir, base, ref, src)
}

func storeAs(dir *os.File, base string, ref shm.Ref, src io.ReaderAt) (err error) {
	size, err := ref.Bytes()
	if err != nil {
		return fmt.Errorf("store %s: %w", shown(base), err)
	}
	defer runtime.KeepAlive(dir)
	dirfd := int(dir.Fd())
	// A name of its own length, as base may already be as long as names get.
	temp := ".hotcell-" + rand.Text() + ".tmp"
	fd, err := openTemp(dirfd, temp)
	if err != nil {
		return fmt.Errorf("create file for %s: %w", shown(base), err)
	}
	file := os.NewFile(uintptr(fd), temp)
	err = write(file, ref, size, src)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = unix.Renameat(dirfd, temp, dirfd, base)
	}
	if err != nil {
		unix.Unlinkat(dirfd, temp, 0)
		return fmt.Errorf("write %s: %w", shown(base), cause(err))
	}
	return nil
}

// openTemp makes a new file: O_EXCL refuses what somebody planted under the
// name, links included.
func openTemp(dirfd int, name string) (int, error) {
	for {
		fd, err := unix.Openat(dirfd, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o666)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

func write(dst *os.File, ref shm.Ref, size int64, src io.ReaderAt) error {
	header := npy.AppendHeader(nil, npy.Header{DType: ref.DType, Shape: ref.Shape, Fortran: ref.Fortran})
	if _, err := dst.Write(header); err != nil {
		return err
	}
	if file := fileOf(src); file != nil {
		sent, err := sendFile(dst, file, ref.Offset, size)
		if err != nil || sent == size {
			return err
		}
		return copyOut(dst, src, ref.Offset+sent, size-sent)
	}
	return copyOut(dst, src, ref.Offset, size)
}

func fileOf(src io.ReaderAt) *os.File {
	switch src := src.(type) {
	case *os.File:
		return src
	case interface{ File() *os.File }:
		return src.File()
	}
	return nil
}

// sendFile copies within the kernel and gives how far it came. It is
// sendfile, because copy_file_range refuses to cross file systems, and a
// memfd's is never the output's.
func sendFile(dst, src *os.File, off, size int64) (sent int64, err error) {
	defer runtime.KeepAlive(src)
	out, in := int(dst.Fd()), int(src.Fd())
	for sent < size {
		n, err := unix.Sendfile(out, in, &off, int(min(size-sent, 1<<30)))
		switch {
		case err == unix.EINTR || err == unix.EAGAIN:
			continue
		case err == unix.EINVAL || err == unix.ENOSYS:
			return sent, nil
		case err != nil:
			return sent, err
		case n == 0:
			return sent, errTruncated
		}
		sent += int64(n)
	}
	return sent, nil
}

var errTruncated = errors.New("the region is shorter than the array in it")

func copyOut(dst io.Writer, src io.ReaderAt, off, size int64) error {
	buffer := make([]byte, max(1, min(size, windowSize)))
	n, err := io.CopyBuffer(writerOnly{dst}, io.NewSectionReader(src, off, size), buffer)
	if err == nil && n < size {
		return errTruncated
	}
	return err
}

// writerOnly hides ReadFrom, which would bring a buffer of its own.
type writerOnly struct{ io.Writer }
