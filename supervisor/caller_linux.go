package supervisor

import (
	"golang.org/x/sys/unix"

	"hotcell/supervisor/broker"
)

// caller is a sandbox's thread that waits for the answer to one
// notification. It implements broker.Caller.
type caller struct {
	sandbox  *sandbox
	listener uintptr
	id       uint64
	answered bool // the answer went with an injection
}

var _ broker.Caller = (*caller)(nil)

// Read copies from the process that the sandbox is: threads come and go, it
// stays until it is reaped.
func (c *caller) Read(address uint64, into []byte) error {
	return c.sandbox.memory.read(c.sandbox.pid, address, into)
}

// Write asks first whether the thread still waits: it goes by process number,
// which becomes another's some time after the sandbox is gone.
func (c *caller) Write(address uint64, data []byte) error {
	if !notificationValid(c.listener, c.id) {
		return unix.ENOENT
	}
	return writeMemory(c.sandbox.pid, address, data)
}

// Valid need not ask the kernel where memory is read through a file: what was
// read is the sandbox's in any case, and whether the thread still waits is
// checked again by whatever answers it. On kernels that let a signal break off
// a waiting call, it would be done twice.
func (c *caller) Valid() bool {
	if c.sandbox.memory.file != nil && waitsKillable() {
		return true
	}
	return notificationValid(c.listener, c.id)
}

// File shares the open file with the sandbox, offset included. All threads of
// a sandbox have one table: the filter lets no thread unshare it.
func (c *caller) File(fd int) (broker.Descriptor, error) {
	got, err := unix.PidfdGetfd(int(c.sandbox.pidfd.Fd()), fd, 0)
	return broker.Descriptor(got), err
}

// Inject answers with the descriptor's number at once: the kernel wakes the
// thread for the injection anyway, and a second time for an answer sent apart.
func (c *caller) Inject(d broker.Descriptor, closeOnExec bool) (int, error) {
	n, err := inject(c.listener, &injection{ID: c.id, Flags: injectSend, Source: uint32(d), NewFlags: execFlag(closeOnExec)})
	c.answered = err == nil
	return n, err
}

func (c *caller) InjectAt(d broker.Descriptor, fd int, closeOnExec bool) error {
	_, err := inject(c.listener, &injection{
		ID: c.id, Flags: injectAt, Source: uint32(d), Target: uint32(fd), NewFlags: execFlag(closeOnExec),
	})
	return err
}

func execFlag(closeOnExec bool) uint32 {
	if closeOnExec {
		return unix.O_CLOEXEC
	}
	return 0
}
