package cgroup

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// The functions below make the system calls they name and no others. The os
// package would add control group files, which can be polled, to the runtime's
// epoll and stat them first: more calls than the work itself.

func openat(path string, flags int) (int, error) {
	for {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
		if err == nil {
			return fd, nil
		}
		if err != unix.EINTR {
			return -1, &os.PathError{Op: "open", Path: path, Err: err}
		}
	}
}

// readFile returns a file's content. These files are made when they are read,
// piece by piece in one go, so a short read is not the end.
func readFile(path string) ([]byte, error) {
	fd, err := openat(path, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	data := make([]byte, 0, 4096)
	for {
		n, err := unix.Read(fd, data[len(data):cap(data)])
		switch {
		case err == unix.EINTR:
		case err != nil:
			return nil, &os.PathError{Op: "read", Path: path, Err: err}
		case n == 0:
			return data, nil
		default:
			data = data[:len(data)+n]
			if len(data) == cap(data) {
				data = append(data, 0)[:len(data)]
			}
		}
	}
}

// writeFile writes a file that exists, with one write: the kernel takes each
// for a whole value.
func writeFile(path, value string) error {
	fd, err := openat(path, unix.O_WRONLY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for {
		_, err := unix.Write(fd, []byte(value))
		if err == nil {
			return nil
		}
		if err != unix.EINTR {
			return &os.PathError{Op: "write " + strconv.Quote(value) + " to", Path: path, Err: err}
		}
	}
}

// number parses a file that holds one number.
func number(data []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(bytes.TrimSpace(data)), 10, 64)
	return n, err == nil
}

// keyed finds the number behind a key in a file of lines "key number".
func keyed(data []byte, key string) (int64, bool) {
	for line := range bytes.Lines(data) {
		k, v, ok := bytes.Cut(line, []byte(" "))
		if ok && string(k) == key {
			return number(v)
		}
	}
	return 0, false
}

// pids parses a list of process or thread ids. 0 stands for one that lives in
// a PID namespace that is not below ours.
func pids(data []byte) []int {
	var list []int
	for line := range bytes.Lines(data) {
		if pid, ok := number(line); ok {
			list = append(list, int(pid))
		}
	}
	return list
}
