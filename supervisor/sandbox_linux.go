package supervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/child"
	"hotcell/ipc"
	"hotcell/shm"
	"hotcell/supervisor/cgroup"
)

// setupTime bounds the time from Boot to a locked sandbox: imports on a slow
// disk take long, a hang must end all the same.
const setupTime = 60 * time.Second

// warmth is what a sandbox that is to wait does beforehand.
type warmth struct{ output int64 }

// sandbox is the supervisor's side of one sandbox: it owns the pidfd, the
// conversation, the way to its memory, the notification listener, the read ends of its output and
// its control group.
type sandbox struct {
	template *template
	fork     *fork
	pidfd    *os.File
	pid      int // in the supervisor's PID namespace
	conn     *ipc.Conn
	asked    *ipc.Conn // the asked door
	memory   remoteMemory
	listener *os.File
	stdout   *os.File
	stderr   *os.File
	group    group
	proof    proof

	// Of a sandbox of a pool.
	id     string        // in logs, and in the name of its control group
	stem   *stem         // its template
	limits cgroup.Limits // that are written
	size   *processSize  // at the end of its preparation, nil without one
	output *shm.Region   // that is mapped ahead, nil for none and once a model has it
}

// newSandbox has the template fork a sandbox and waits until it is locked:
// verified from outside, in its control group, and waiting for a model.
// One that is to wait touches the memory that a launch touches, which takes
// longer than a launch, and maps a region for an output of so many bytes.
func newSandbox(ctx context.Context, t *template, filter []byte, group group, warm *warmth) (*sandbox, error) {
	s := &sandbox{template: t, group: group}
	var entrances []*os.File
	if g, ok := group.(enterable); ok && t.shared {
		var err error
		if entrances, err = g.Entrances(); err != nil {
			return nil, err
		}
	}
	err := s.ask(filter, entrances, warm)
	closeFiles(entrances)
	if err != nil {
		s.close()
		return nil, err
	}
	if err := s.lock(ctx, len(entrances) > 0); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// ask sends Fork with the sandbox's ends of its channels, and what it goes into
// its control group by.
func (s *sandbox) ask(filter []byte, entrances []*os.File, warm *warmth) error {
	conn, control, err := ipc.Pair()
	if err != nil {
		return err
	}
	s.conn = conn
	defer control.Close()
	asked, asking, err := ipc.Pair()
	if err != nil {
		return err
	}
	s.asked = asked
	defer asking.Close()
	var writers []*os.File
	defer func() {
		for _, w := range writers {
			w.Close()
		}
	}()
	for _, reader := range []**os.File{&s.stdout, &s.stderr} {
		r, w, err := outputPipe()
		if err != nil {
			return err
		}
		*reader = r
		writers = append(writers, w)
	}
	m := ipc.Fork{Filter: filter, WaitKillable: waitsKillable(), Grants: grantLow, Warm: warm != nil}
	files := []*os.File{control, asking, writers[0], writers[1]}
	if warm != nil && warm.output > 0 {
		if s.output, err = shm.Create("output", warm.output); err != nil {
			return err
		}
		m.Output = uint64(s.output.Size())
		files = append(files, s.output.File())
	}
	files = append(files, entrances...)
	s.fork, err = s.template.fork(m, files...)
	return err
}

// lock waits for the sandbox's first words and checks them.
func (s *sandbox) lock(ctx context.Context, entered bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, setupTime, errLate)
	defer cancel()
	select {
	case answer := <-s.fork.forked:
		if answer.err != nil {
			return answer.err
		}
		s.pidfd = answer.pidfd
	case <-s.template.dead:
		return s.template.failure()
	case <-ctx.Done():
		if context.Cause(ctx) == errLate {
			return s.template.late()
		}
		return ctx.Err()
	}
	var err error
	if s.pid, err = pidOf(s.pidfd); err != nil {
		return err
	}
	// The context's end ends a blocked receive.
	stop := context.AfterFunc(ctx, func() { s.conn.SetReceiveDeadline(time.Unix(1, 0)) })
	defer stop()
	hello, err := receiveAs[*ipc.Hello](s.conn)
	if err != nil {
		return s.lockError(err)
	}
	if err := s.verify(hello, entered); err != nil {
		return err
	}
	if err := s.takeListener(int(hello.Listener)); err != nil {
		return err
	}
	if err := s.conn.Send(&ipc.Locked{}, 0); err != nil {
		return s.lockError(err)
	}
	if _, err := receiveAs[*ipc.Waiting](s.conn); err != nil {
		return s.lockError(err)
	}
	return nil
}

var errLate = errors.New("the time for setting up is over")

// verify moves the sandbox into its group, unless it went there itself, and
// reads what holds it from outside: no byte of a user's has been read yet, and
// nothing is believed that the kernel can be asked for.
func (s *sandbox) verify(hello *ipc.Hello, entered bool) error {
	if err := s.admit(entered); err != nil {
		return err
	}
	proof, err := proveLocked(s.pid, s.template.cmd.Process.Pid, s.template.identity)
	if err != nil {
		return err
	}
	proof.landlock = int(hello.Landlock)
	s.proof = proof
	return nil
}

func (s *sandbox) admit(entered bool) error {
	if !entered {
		return s.group.Add(s.pid)
	}
	held, err := s.group.(enterable).Holds(s.pid)
	if err == nil && !held {
		err = &child.StageError{Stage: "group", Text: "the sandbox did not go into its control group"}
	}
	return err
}

// prepare does what a hand-over would else do: figures count from here, as the
// sandbox does nothing until then.
func (s *sandbox) prepare() error {
	if err := s.group.Reset(); err != nil {
		return err
	}
	size, err := sizeOf(s.pid)
	if err != nil {
		return err
	}
	s.size = &size
	return nil
}

// lockError prefers the template's reason for a broken conversation.
func (s *sandbox) lockError(err error) error {
	if errors.Is(err, io.EOF) {
		select {
		case <-s.template.dead:
			return s.template.failure()
		case <-s.fork.exited:
			return fmt.Errorf("sandbox ended before its lock-down, wait status %#x", s.fork.status)
		case <-time.After(time.Second):
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return s.template.late()
	}
	return err
}

// receiveAs wants a message of one type; a Failed in its place is an error.
func receiveAs[M ipc.Message](conn *ipc.Conn) (M, error) {
	var none M
	m, _, _, err := conn.Receive(0)
	if err != nil {
		return none, err
	}
	if failed, ok := m.(*ipc.Failed); ok {
		return none, &child.StageError{Stage: failed.Stage, Errno: int(failed.Errno), Text: failed.Text}
	}
	want, ok := m.(M)
	if !ok {
		return none, fmt.Errorf("%w: a %v message out of order", ipc.ErrFrame, m.Type())
	}
	return want, nil
}

// takeListener copies the notification descriptor out of the sandbox, so
// that sending descriptors need not stay allowed in there.
func (s *sandbox) takeListener(number int) error {
	fd, err := unix.PidfdGetfd(int(s.pidfd.Fd()), number, 0)
	if err != nil {
		return &child.StageError{Stage: "listener", Errno: errnoOf(err), Text: fmt.Sprintf("pidfd_getfd: %v", err)}
	}
	wakeOnSameCPU(uintptr(fd))
	s.listener = os.NewFile(uintptr(fd), "seccomp-listener")
	s.memory = openMemory(s.pid)
	return nil
}

// kill ends the sandbox at once. It may be called from any goroutine, any
// number of times, until close.
func (s *sandbox) kill() error {
	if s.pidfd == nil {
		return nil
	}
	err := unix.PidfdSendSignal(int(s.pidfd.Fd()), unix.SIGKILL, nil, 0)
	if err == unix.ESRCH {
		return nil
	}
	return err
}

// gone tells that every thread of the sandbox has ended.
func (s *sandbox) gone() bool {
	fds := []unix.PollFd{{Fd: int32(s.pidfd.Fd()), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n == 1
}

// wait gives the wait status once the sandbox was reaped. The template's
// death ends a sandbox too, without a status.
func (s *sandbox) wait() (status unix.WaitStatus, known bool) {
	select {
	case <-s.fork.exited:
		return unix.WaitStatus(s.fork.status), true
	case <-s.template.dead:
		return 0, false
	}
}

// end kills the sandbox and waits until it is dead. That of a shared template
// need not be reaped for it, as the template may have other things to do.
func (s *sandbox) end() {
	s.kill()
	if s.pidfd == nil {
		return
	}
	if s.stem == nil {
		s.wait()
		return
	}
	fds := []unix.PollFd{{Fd: int32(s.pidfd.Fd()), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, -1); err != unix.EINTR {
			return
		}
	}
}

// close kills the sandbox and gives up all that it owns but the group, whose
// figures are read after death.
func (s *sandbox) close() {
	s.end()
	s.conn.Close()
	if s.asked != nil {
		s.asked.Close()
	}
	s.memory.close()
	if s.output != nil {
		s.output.Close()
	}
	for _, f := range []*os.File{s.pidfd, s.listener, s.stdout, s.stderr} {
		if f != nil {
			f.Close()
		}
	}
}

// pidOf reads the PID behind a pidfd, in our PID namespace. It stays that
// process's as long as it is not reaped, which the template does on our word
// only after it is dead; every use is of a live sandbox.
func pidOf(pidfd *os.File) (int, error) {
	info, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(int(pidfd.Fd())))
	if err != nil {
		return 0, fmt.Errorf("read pidfd: %w", err)
	}
	for line := range bytes.Lines(info) {
		if value, ok := bytes.CutPrefix(line, []byte("Pid:")); ok {
			pid, err := strconv.Atoi(string(bytes.TrimSpace(value)))
			if err != nil || pid <= 0 {
				return 0, fmt.Errorf("read pidfd: the sandbox is gone")
			}
			return pid, nil
		}
	}
	return 0, errors.New("read pidfd: /proc shows no Pid; is /proc mounted for this PID namespace?")
}

func errnoOf(err error) int {
	if errno, ok := errors.AsType[unix.Errno](err); ok {
		return int(errno)
	}
	return 0
}
