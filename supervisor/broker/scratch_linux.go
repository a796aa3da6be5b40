package broker

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/child"
)

// NewScratch makes a tmpfs of at most size bytes and inodes files and
// directories, attached nowhere: no path of any process leads to it, and with
// the last descriptor it is gone. Files in it start nothing and are no
// devices.
//
// Where this process may not mount, another one makes it in namespaces of its
// own; a host that has none for it gives a *child.StageError. The program's main
// begins with child.Dispatch.
func NewScratch(size, inodes int64) (*os.File, error) {
	if size <= 0 || inodes <= 0 {
		return nil, fmt.Errorf("scratch of %d bytes and %d inodes: both must be more than 0, which would mean no limit", size, inodes)
	}
	fd, err := child.MountScratch(size, inodes)
	if errors.Is(err, unix.EPERM) {
		fd, err = scratchFromNamespace(size, inodes)
	}
	if err != nil {
		return nil, fmt.Errorf("make scratch: %w", err)
	}
	return os.NewFile(uintptr(fd), "scratch"), nil
}

// makerTime bounds the life of a maker, which needs some milliseconds.
const makerTime = 10 * time.Second

// scratchFromNamespace has a process make the scratch as root of a user
// namespace in which this process's user is the only one: what lies in the
// scratch then belongs to that user, outside too. The mount belongs to its
// descriptor and outlives process and namespaces.
func scratchFromNamespace(size, inodes int64) (int, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("socketpair: %w", err)
	}
	own, peer := os.NewFile(uintptr(pair[0]), "scratch socket"), os.NewFile(uintptr(pair[1]), "scratch socket")
	defer own.Close()
	defer peer.Close()
	conn, err := net.FileConn(own)
	if err != nil {
		return -1, fmt.Errorf("socket of a maker of scratch: %w", err)
	}
	defer conn.Close()

	// The parent-death signal is sent at the end of the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	maker := scratchMaker(size, inodes, peer)
	if err := maker.Start(); err != nil {
		return -1, stageError(err)
	}
	defer maker.Wait()
	defer maker.Process.Kill()
	peer.Close() // the maker's end without an answer is then the socket's
	if err := conn.SetReadDeadline(time.Now().Add(makerTime)); err != nil {
		return -1, err
	}
	return receiveScratch(conn.(*net.UnixConn))
}

func scratchMaker(size, inodes int64, peer *os.File) *exec.Cmd {
	return &exec.Cmd{
		Path: "/proc/self/exe", Args: child.ScratchArgs(size, inodes), Env: []string{}, ExtraFiles: []*os.File{peer},
		SysProcAttr: &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
			Pdeathsig:   syscall.SIGKILL,
		},
	}
}

// stageError is a maker that could not be cloned, like a child that could not.
func stageError(err error) error {
	failed := &child.StageError{Stage: "namespaces", Text: fmt.Sprintf("start maker of scratch: %v", err)}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		failed.Errno = int(errno)
	}
	return failed
}

// receiveScratch takes the maker's answer, which is this program's own.
func receiveScratch(conn *net.UnixConn) (int, error) {
	data, control := make([]byte, 4<<10), make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := conn.ReadMsgUnix(data, control)
	if err != nil {
		return -1, fmt.Errorf("answer of the maker of scratch: %w", err)
	}
	if err := child.ScratchAnswer(data[:n]); err != nil {
		return -1, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:oobn])
	if err != nil || len(messages) != 1 {
		return -1, fmt.Errorf("the maker of scratch sent %d control messages (%v); 1 is a scratch", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return -1, fmt.Errorf("descriptor of a scratch: %w", err)
	}
	return fds[0], nil // the room for control messages is for one
}
