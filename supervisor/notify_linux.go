package supervisor

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// notifier answers the enforced door of one sandbox: every system call that
// the filter does not allow waits here for a decision.
type notifier struct {
	listener *os.File
	decide   func(syscallpolicy.Operation) syscallpolicy.Decision
}

// serve answers until the sandbox is gone. It polls before it receives: on
// kernels before 6.11 a blocked receive does not return when the last thread
// under the filter exits.
func (n *notifier) serve() error {
	raw, err := n.listener.SyscallConn()
	if err != nil {
		return err
	}
	var gone error
	err = raw.Read(func(fd uintptr) bool {
		for {
			pending, err := pollNow(fd)
			if err != nil || !pending {
				gone = err
				return err != nil
			}
			if gone = n.answer(fd); gone != nil {
				return true
			}
		}
	})
	if errors.Is(gone, errSandboxGone) || errors.Is(err, os.ErrClosed) {
		return nil
	}
	return errors.Join(err, gone)
}

var errSandboxGone = errors.New("no thread is under the filter any more")

func pollNow(fd uintptr) (pending bool, err error) {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(fds, 0)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return false, err
		case fds[0].Revents&unix.POLLIN != 0:
			return true, nil
		case fds[0].Revents&(unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0:
			return false, errSandboxGone
		}
		return false, nil
	}
}

// answer receives one notification and decides it. ENOENT is normal: the
// thread was killed while it waited.
func (n *notifier) answer(fd uintptr) error {
	var asked notification
	if err := receiveNotification(fd, &asked); err != nil {
		if err == unix.ENOENT {
			return nil
		}
		return err
	}
	operation, valid := n.operation(fd, &asked)
	if !valid {
		return nil
	}
	decision := n.decide(operation)
	answer := response{ID: asked.ID, Error: -int32(decision.ErrnoOrEPERM())}
	if err := sendResponse(fd, &answer); err != nil && err != unix.ENOENT {
		return err
	}
	return nil
}

// operation names what was tried. Pointers are read once, and count only if
// the thread still waits afterwards: else its id, and its memory, may be
// another's.
func (n *notifier) operation(fd uintptr, asked *notification) (syscallpolicy.Operation, bool) {
	call := syscallpolicy.Classify(int(asked.NR), asked.Args)
	operation := syscallpolicy.Operation{
		Kind: call.Kind, Write: call.Write, Syscall: call.Name, Target: call.Name,
		Args: asked.Args, Thread: int(asked.PID), Time: time.Now(),
	}
	if call.Path.Path != syscallpolicy.NoArg {
		if path, err := readPath(int(asked.PID), call.Path.Path.Of(asked.Args)); err == nil {
			operation.Target = path
		}
	}
	return operation, notificationValid(fd, asked.ID)
}
