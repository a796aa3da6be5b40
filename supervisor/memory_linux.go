package supervisor

import (
	"bytes"
	"errors"

	"golang.org/x/sys/unix"
)

// maxPath is the kernel's PATH_MAX: longer paths fail there too.
const maxPath = 4096

const pageSize = 4096

var errNoPath = errors.New("no terminated path at this address")

// readPath copies a path out of a sandbox's memory, once, page by page: the
// page behind a short path need not be mapped.
func readPath(pid int, address uint64) (string, error) {
	var path []byte
	for len(path) < maxPath {
		n := pageSize - int(address%pageSize)
		chunk := make([]byte, min(n, maxPath-len(path)))
		if err := readMemory(pid, address, chunk); err != nil {
			return "", err
		}
		if end := bytes.IndexByte(chunk, 0); end >= 0 {
			return string(append(path, chunk[:end]...)), nil
		}
		path = append(path, chunk...)
		address += uint64(len(chunk))
	}
	return "", errNoPath
}

// writeMemory copies into a sandbox's memory, all or with an error.
func writeMemory(pid int, address uint64, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	local := []unix.Iovec{{Base: &data[0], Len: uint64(len(data))}}
	remote := []unix.RemoteIovec{{Base: uintptr(address), Len: len(data)}}
	n, err := unix.ProcessVMWritev(pid, local, remote, 0)
	if err != nil {
		return err
	}
	if n != len(data) {
		return unix.EFAULT
	}
	return nil
}

func readMemory(pid int, address uint64, into []byte) error {
	if len(into) == 0 {
		return nil
	}
	local := []unix.Iovec{{Base: &into[0], Len: uint64(len(into))}}
	remote := []unix.RemoteIovec{{Base: uintptr(address), Len: len(into)}}
	n, err := unix.ProcessVMReadv(pid, local, remote, 0)
	if err != nil {
		return err
	}
	if n != len(into) {
		return unix.EFAULT
	}
	return nil
}
