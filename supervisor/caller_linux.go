package supervisor

import (
	"golang.org/x/sys/unix"

	"hotcell/supervisor/broker"
)

// caller is a sandbox's thread that waits for the answer to one
// notification. It implements broker.Caller.
type caller struct {
	listener uintptr
	id       uint64
	pid      int // the process in our PID namespace: threads come and go, it stays until it is reaped
	pidfd    int
}

var _ broker.Caller = caller{}

func (c caller) Read(address uint64, into []byte) error { return readMemory(c.pid, address, into) }

func (c caller) Write(address uint64, data []byte) error { return writeMemory(c.pid, address, data) }

func (c caller) Valid() bool { return notificationValid(c.listener, c.id) }

// File shares the open file with the sandbox, offset included. All threads of
// a sandbox have one table: the filter lets no thread unshare it.
func (c caller) File(fd int) (broker.Descriptor, error) {
	got, err := unix.PidfdGetfd(c.pidfd, fd, 0)
	return broker.Descriptor(got), err
}

func (c caller) Inject(d broker.Descriptor, closeOnExec bool) (int, error) {
	return inject(c.listener, &injection{ID: c.id, Source: uint32(d), NewFlags: execFlag(closeOnExec)})
}

func (c caller) InjectAt(d broker.Descriptor, fd int, closeOnExec bool) error {
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
