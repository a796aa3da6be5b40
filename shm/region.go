package shm

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Region is shared memory of a fixed size.
//
// Ownership: the process that created a region owns its bytes until it hands
// the descriptor over; from then on they belong to the one side that the
// seals leave able to write, and every other side copies what it reads once
// and judges the copy.
//
// Methods may be called from several goroutines. The slice that Map gives
// must not be touched after Freeze or Close.
type Region struct {
	file *os.File
	size int64

	mu      sync.Mutex
	mapping []byte // the writable one; nil before Map
	reading []byte // the other; nil before View
	closed  bool
}

// Create makes a region of size bytes, all zero. The name is for humans, in
// /proc/PID/maps and the like.
func Create(name string, size int64) (*Region, error) {
	if size < 0 {
		return nil, fmt.Errorf("create region: a size of %d bytes", size)
	}
	file, err := memfd("hotcell-" + name)
	if err != nil {
		return nil, err
	}
	r := &Region{file: file, size: size}
	if err := file.Truncate(size); err != nil {
		file.Close()
		return nil, fmt.Errorf("size memfd: %w", cause(err))
	}
	// Shrinking would raise SIGBUS in whoever maps the region; growing would
	// let a sandbox take memory that its limits do not count.
	if err := r.addSeals(unix.F_SEAL_SHRINK | unix.F_SEAL_GROW); err != nil {
		file.Close()
		return nil, err
	}
	return r, nil
}

// Frozen makes a region of a content that nobody can write any more.
func Frozen(name string, content []byte) (*Region, error) {
	r, err := Create(name, int64(len(content)))
	if err != nil {
		return nil, err
	}
	if _, err = r.WriteAt(content, 0); err == nil {
		err = r.Freeze()
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Owned makes a region that this process writes, through the memory that it
// gives, and nobody else: see FreezeOthers.
func Owned(name string, size int64) (*Region, []byte, error) {
	r, err := Create(name, size)
	if err != nil {
		return nil, nil, err
	}
	memory, err := r.Map()
	if err == nil {
		err = r.FreezeOthers()
	}
	if err != nil {
		r.Close()
		return nil, nil, err
	}
	return r, memory, nil
}

// memfd makes an empty file that can never be executed: otherwise a sandbox
// could write a program into it. Kernels before 6.3 do not know the flag;
// there only the system call filter stands against execution.
func memfd(name string) (*os.File, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|unix.MFD_NOEXEC_SEAL)
	if err == unix.EINVAL {
		fd, err = unix.MemfdCreate(name, flags)
	}
	if err != nil {
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Size is the region's size in bytes, for ever.
func (r *Region) Size() int64 { return r.size }

// File is the descriptor to pass to another process. It stays the region's:
// do not close it.
func (r *Region) File() *os.File { return r.file }

// Map gives the region's memory for writing. It is mapped once and stays so
// until Freeze or Close. View is for who only reads.
func (r *Region) Map() ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mapping != nil {
		return r.mapping, nil
	}
	if r.size == 0 {
		return []byte{}, nil // mmap refuses a length of 0
	}
	err := control(r.file, func(fd int) (err error) {
		r.mapping, err = unix.Mmap(fd, 0, int(r.size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("mmap: %w", err)
	}
	return r.mapping, nil
}

// View gives the region's memory for reading, until Close: what Map gave, or a
// mapping in which a write is a fault that ends the process.
func (r *Region) View() ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.mapping != nil:
		return r.mapping, nil
	case r.reading != nil:
		return r.reading, nil
	case r.size == 0:
		return []byte{}, nil // mmap refuses a length of 0
	}
	// Through a file of its own, for which ReadOnly says why.
	file, err := r.ReadOnly()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	err = control(file, func(fd int) (err error) {
		r.reading, err = unix.Mmap(fd, 0, int(r.size), unix.PROT_READ, unix.MAP_SHARED)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("mmap: %w", err)
	}
	return r.reading, nil
}

// unmap gives the writable mapping up; r.mu is held.
func (r *Region) unmap() error {
	mapping := r.mapping
	r.mapping = nil
	return unmap(mapping)
}

func unmap(mapping []byte) error {
	if mapping == nil {
		return nil
	}
	if err := unix.Munmap(mapping); err != nil {
		return fmt.Errorf("munmap: %w", err)
	}
	return nil
}

// ReadOnly opens the region once more, for reading. Whoever only reads maps
// through such a file: a shared mapping of a writable descriptor counts as a
// writer even without PROT_WRITE, so it keeps Seal from succeeding, and before
// kernel 6.7 it cannot be made after Seal either. It is no wall: the receiver
// may be able to open it for writing through /proc. The seals are.
func (r *Region) ReadOnly() (*os.File, error) {
	var file *os.File
	err := control(r.file, func(fd int) error {
		again, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", fd), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			file = os.NewFile(uintptr(again), r.file.Name())
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reopen region read-only: %w", err)
	}
	return file, nil
}

// ReadAt copies out of the region, as io.ReaderAt has it. It works on a
// region that another process is writing; then the copy, not the region, is
// what to judge.
func (r *Region) ReadAt(p []byte, off int64) (int, error) {
	return r.file.ReadAt(p, off)
}

// WriteAt copies into the region. Nothing is written of what does not fit
// whole.
func (r *Region) WriteAt(p []byte, off int64) (int, error) {
	if !within(off, int64(len(p)), r.size) {
		return 0, fmt.Errorf("write region: %d bytes at offset %d of %d", len(p), off, r.size)
	}
	n, err := r.file.WriteAt(p, off)
	if err != nil {
		return n, fmt.Errorf("write region: %w", cause(err))
	}
	return n, nil
}

// Closed tells whether Close was called.
func (r *Region) Closed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// Close unmaps the region and closes its descriptor. Other processes keep
// theirs. A second Close does nothing.
func (r *Region) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	err := errors.Join(r.unmap(), unmap(r.reading))
	r.reading = nil
	if closed := r.file.Close(); !errors.Is(closed, os.ErrClosed) {
		err = errors.Join(err, closed)
	}
	return err
}

// within tells that size bytes at off lie in [0, limit]; none of the three
// need be sane.
func within(off, size, limit int64) bool {
	return off >= 0 && size >= 0 && size <= limit && off <= limit-size
}

// cause takes the name out of an error of package os: it is a descriptor's
// label, not a path that means something to a user.
func cause(err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Err
	}
	return err
}

// control lends the descriptor to act. Unlike Fd it keeps a Close in another
// goroutine from closing it, and the kernel from giving its number to a new
// file, which act would then seal or map.
func control(file *os.File, act func(fd int) error) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var acted error
	if err := conn.Control(func(fd uintptr) { acted = act(int(fd)) }); err != nil {
		return err
	}
	return acted
}
