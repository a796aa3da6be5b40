package broker

import (
	"os"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// process is a real sandbox: a process whose calls wait at a seccomp listener.
type process struct {
	pid, pidfd, listener int
	id                   uint64
}

type notification struct {
	id     uint64
	pid    uint32
	flags  uint32
	nr     int32
	arch   uint32
	ip     uint64
	args   [6]uint64
	answer struct {
		id    uint64
		value int64
		err   int32
		flags uint32
	}
}

const (
	ioctlReceive = 0xc0502100
	ioctlSend    = 0xc0182101
	ioctlValid   = 0x40082102
	ioctlAddFD   = 0x40182103
)

func (p *process) ioctl(request uintptr, argument unsafe.Pointer) (int, error) {
	for {
		n, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(p.listener), request, uintptr(argument))
		if errno == 0 {
			return int(n), nil
		}
		if errno != unix.EINTR {
			return -1, errno
		}
	}
}

func (p *process) Read(address uint64, into []byte) error {
	local := []unix.Iovec{{Base: &into[0], Len: uint64(len(into))}}
	n, err := unix.ProcessVMReadv(p.pid, local, []unix.RemoteIovec{{Base: uintptr(address), Len: len(into)}}, 0)
	if err == nil && n != len(into) {
		err = unix.EFAULT
	}
	return err
}

func (p *process) Write(address uint64, data []byte) error {
	local := []unix.Iovec{{Base: &data[0], Len: uint64(len(data))}}
	n, err := unix.ProcessVMWritev(p.pid, local, []unix.RemoteIovec{{Base: uintptr(address), Len: len(data)}}, 0)
	if err == nil && n != len(data) {
		err = unix.EFAULT
	}
	return err
}

func (p *process) Valid() bool {
	_, err := p.ioctl(ioctlValid, unsafe.Pointer(&p.id))
	return err == nil
}

func (p *process) File(fd int) (Descriptor, error) {
	n, err := unix.PidfdGetfd(p.pidfd, fd, 0)
	return Descriptor(n), err
}

type addition struct {
	id                       uint64
	flags, from, to, toFlags uint32
}

func (p *process) add(a addition, closeOnExec bool) (int, error) {
	a.id = p.id
	if closeOnExec {
		a.toFlags = unix.O_CLOEXEC
	}
	return p.ioctl(ioctlAddFD, unsafe.Pointer(&a))
}

func (p *process) Inject(d Descriptor, closeOnExec bool) (int, error) {
	return p.add(addition{from: uint32(d)}, closeOnExec)
}

func (p *process) InjectAt(d Descriptor, fd int, closeOnExec bool) error {
	_, err := p.add(addition{flags: 1, from: uint32(d), to: uint32(fd)}, closeOnExec)
	return err
}

// serve answers until no thread is under the filter any more.
func (p *process) serve(t testing.TB, b *Broker) {
	for {
		fds := []unix.PollFd{{Fd: int32(p.listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err == unix.EINTR {
			continue
		} else if err != nil {
			t.Errorf("poll: %v", err)
			return
		}
		if fds[0].Revents&unix.POLLIN == 0 {
			return
		}
		var n notification
		if _, err := p.ioctl(ioctlReceive, unsafe.Pointer(&n)); err != nil {
			continue
		}
		p.id = n.id
		a := b.Serve(p, syscallpolicy.Classify(int(n.nr), n.args), n.args, int(n.pid), time.Now())
		if a.Gone {
			continue
		}
		n.answer.id, n.answer.value, n.answer.err = n.id, a.Value, -int32(a.Errno)
		if _, err := p.ioctl(ioctlSend, unsafe.Pointer(&n.answer)); err != nil && err != unix.ENOENT {
			t.Errorf("answer: %v", err)
		}
	}
}

// attach takes the listener of a process out of it.
func attach(t testing.TB, pid, listener int) *process {
	t.Helper()
	pidfd, err := unix.PidfdOpen(pid, 0)
	must(t, err)
	t.Cleanup(func() { unix.Close(pidfd) })
	fd, err := unix.PidfdGetfd(pidfd, listener, 0)
	must(t, os.NewSyscallError("pidfd_getfd", err))
	t.Cleanup(func() { unix.Close(fd) })
	return &process{pid: pid, pidfd: pidfd, listener: fd}
}
