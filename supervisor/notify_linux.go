package supervisor

import (
	"errors"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/supervisor/broker"
	"hotcell/syscallpolicy"
)

// notifier answers the enforced door of one sandbox: every system call that
// the filter does not allow waits here for a decision.
type notifier struct {
	listener *os.File
	pid      int
	pidfd    int
	broker   *broker.Broker
	last     time.Time // of the operation before
	record   func(syscallpolicy.Operation, syscallpolicy.Decision)
	end      func(*Cause) *Cause
}

// busyFor is how long a thread waits for the next operation of a sandbox
// before it counts as quiet.
const busyFor = 2 * time.Millisecond

// busyThreads bounds the threads that wait like that, and with them the Go
// processors that they may hold; see TuneRuntime.
const busyThreads = 8 // blockingLimit of them may block for long

var busySlots = make(chan struct{}, busyThreads)

// TuneRuntime gives Go a processor for every thread that may sit in a system
// call waiting for a sandbox's next operation, so that the scheduler never
// has to take one back from it. A program that serves models calls it first.
func TuneRuntime() {
	if n := runtime.NumCPU() + busyThreads; runtime.GOMAXPROCS(0) < n {
		runtime.GOMAXPROCS(n)
	}
}

// serve answers until the sandbox is gone.
//
// A quiet sandbox costs nothing. Once an operation came, this goroutine waits
// for the next ones in poll(2), as long as they keep coming and one of a few
// slots is free: only there does the kernel hand over on one processor, which
// on an idle virtual machine is twenty times faster than any way that goes
// over epoll.
//
// It polls before it receives: on kernels before 6.11 a blocked receive does
// not return when the last thread under the filter exits.
func (n *notifier) serve() error {
	q, err := quietListeners()
	if err != nil {
		return err
	}
	fd := int(n.listener.Fd())
	wake, err := q.add(fd)
	if err != nil {
		return err
	}
	defer q.remove(fd)
	for {
		if err := n.busy(uintptr(fd)); err != nil {
			if errors.Is(err, errSandboxGone) {
				return nil
			}
			return err
		}
		if err := q.arm(fd); err != nil {
			return err
		}
		<-wake
	}
}

var errSandboxGone = errors.New("no thread is under the filter any more")

// busy answers operations until none came for a while. Without a free slot
// it answers what is pending.
func (n *notifier) busy(fd uintptr) error {
	wait := time.Duration(0)
	select {
	case busySlots <- struct{}{}:
		defer func() { <-busySlots }()
		wait = busyFor
	default:
	}
	blocking := false
	defer func() {
		if blocking {
			<-blockingSlots
		}
	}()
	for streak := 0; ; {
		if !blocking {
			pending, err := pollFor(fd, wait)
			if err != nil || !pending {
				return err
			}
		}
		before := n.last
		answered, err := n.answer(fd)
		if err != nil {
			return err
		}
		switch {
		case !answered || n.last.Sub(before) > streakGap:
			streak = 0
			if blocking {
				blocking = false
				<-blockingSlots
			}
		case streak < streakLength:
			streak++
		case !blocking && wait > 0:
			blocking = enterBlocking()
		}
	}
}

// A sandbox that makes operations in an unbroken streak saves its notifier
// the poll before each: the receive itself blocks. It can, on kernels where
// that ends with the sandbox, for as long as it likes, so there are few slots
// for it; who gets none polls.
const (
	streakLength  = 64
	streakGap     = 200 * time.Microsecond
	blockingLimit = 4
)

var blockingSlots = make(chan struct{}, blockingLimit)

func enterBlocking() bool {
	if !kernelAtLeast(6, 11) {
		return false
	}
	select {
	case blockingSlots <- struct{}{}:
		return true
	default:
		return false
	}
}

// pollFor waits for an operation, at most so long.
func pollFor(fd uintptr, wait time.Duration) (pending bool, err error) {
	fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	timeout := unix.NsecToTimespec(int64(wait))
	for {
		_, err := unix.Ppoll(fds[:], &timeout, nil)
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

// answer receives one notification and decides it. Receiving nothing is
// normal: the thread was killed while it waited, or all are gone.
func (n *notifier) answer(fd uintptr) (answered bool, err error) {
	var asked notification
	if err := receiveNotification(fd, &asked); err != nil {
		if err == unix.ENOENT {
			return false, nil
		}
		return false, err
	}
	return true, n.judge(fd, asked)
}

// judge decides one notification and answers it.
func (n *notifier) judge(fd uintptr, asked notification) error {
	n.last = time.Now()
	call := syscallpolicy.Classify(int(asked.NR), asked.Args)
	if signal, self := selfSignal(call, asked.Args); self {
		return n.deliver(fd, &asked, call, signal)
	}
	c := caller{listener: fd, id: asked.ID, pid: n.pid, pidfd: n.pidfd}
	answer := n.broker.Serve(c, call, asked.Args, int(asked.PID))
	if answer.Gone {
		return nil
	}
	return respond(fd, response{ID: asked.ID, Value: answer.Value, Error: -int32(answer.Errno)})
}

func respond(fd uintptr, answer response) error {
	if err := sendResponse(fd, &answer); err != nil && err != unix.ENOENT {
		return err
	}
	return nil
}

// deliver lets a signal of the sandbox to itself through, or ends it where
// the signal would.
func (n *notifier) deliver(fd uintptr, asked *notification, call syscallpolicy.Syscall, signal unix.Signal) error {
	operation := syscallpolicy.Operation{
		Kind: syscallpolicy.KindSignal, Target: "self " + unix.SignalName(signal), Syscall: call.Name,
		Args: asked.Args, Thread: int(asked.PID), Time: n.last,
	}
	n.record(operation, syscallpolicy.Decision{Effect: syscallpolicy.Allow, Rule: "own signal"})
	deadly, err := ends(int(asked.PID), signal)
	if err != nil || deadly {
		n.end(signalled(signal))
	}
	// Safe for these calls: they are numbers only, which no other thread can
	// change after the judgement.
	return respond(fd, response{ID: asked.ID, Flags: notifyContinue})
}
