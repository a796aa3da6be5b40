package supervisor

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/quiet"
	"hotcell/supervisor/broker"
	"hotcell/syscallpolicy"
)

// notifier answers the enforced door of one sandbox: every system call that
// the filter does not allow waits here for a decision.
type notifier struct {
	sandbox *sandbox
	broker  *broker.Broker
	count   func() // one call more was routed
	record  func(syscallpolicy.Operation, syscallpolicy.Decision)
	refused func(syscallpolicy.Operation, syscallpolicy.Decision) // what no rule could allow
	end     func(*Cause) *Cause
	ended   <-chan struct{}
	budget  budget
	last    time.Time // of the call before
	signals ownSignals

	// What is being answered. They are kept: a call must not cost fresh memory.
	asked  notification
	caller caller

	waiting  slot // to wait in poll(2) for the next call
	blocking slot // to wait for it in the receive itself
	apart    sync.WaitGroup
	// What was done apart, in nanoseconds of CPU time, and not yet charged.
	workApart atomic.Int64
}

func newNotifier(m *Model) *notifier {
	return &notifier{
		sandbox: m.sandbox, broker: m.broker, count: m.counted, record: m.recorded, refused: m.refusedAll, end: m.end, ended: m.ended,
		budget:   budget{rate: m.limits.CPUs, used: m.group.CPUTime, last: time.Now()},
		waiting:  slot{among: busySlots},
		blocking: slot{among: blockingSlots},
	}
}

// rest gives the notifier's places to others: its sandbox will not be
// answered soon.
func (n *notifier) rest() {
	n.waiting.give()
	n.blocking.give()
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
	defer n.apart.Wait()
	fd := n.sandbox.listener.Fd()
	watch, err := quiet.New(int(fd))
	if err != nil {
		return err
	}
	defer watch.Stop()
	for {
		wait, err := n.busy(fd)
		if errors.Is(err, errSandboxGone) {
			return nil
		}
		if err != nil {
			return err
		}
		if wait > 0 {
			pause(wait, n.ended)
			continue
		}
		if err := watch.Arm(); err != nil {
			return err
		}
		<-watch.Wake
	}
}

// pause lets a sandbox wait that took more than its share, unless it has ended:
// then it is answered no more, and is gone soon.
func pause(wait time.Duration, ended <-chan struct{}) {
	select {
	case <-time.After(wait):
	case <-ended:
	}
}

var errSandboxGone = errors.New("no thread is under the filter any more")

// busy answers operations until none came for a while, or the sandbox took
// more than its share and has to wait. Without a free slot it answers what is
// pending.
func (n *notifier) busy(fd uintptr) (wait time.Duration, err error) {
	// The thread's clock shall be of one thread, and injecting needs it without
	// signals.
	unlock, err := lockThread()
	if err != nil {
		return 0, err
	}
	defer unlock()
	n.waiting.take()
	defer n.rest()
	clock := startWork()
	for streak, calls := 0, 0; ; calls++ {
		if calls%chargeEvery == chargeEvery-1 {
			if wait := clock.charge(&n.budget); wait > 0 {
				return wait, nil
			}
		}
		if !n.blocking.held.Load() {
			patience := time.Duration(0)
			if n.waiting.held.Load() {
				patience = busyFor
			}
			pending, err := pollFor(fd, patience)
			if err != nil || !pending {
				return clock.charge(&n.budget), err
			}
		}
		before := n.last
		answered, err := n.answer(fd)
		if err != nil {
			return 0, err
		}
		switch {
		case !answered || n.last.Sub(before) > streakGap:
			streak = 0
			n.blocking.give()
		case streak < streakLength:
			streak++
		case n.waiting.held.Load() && !n.blocking.held.Load() && kernelAtLeast(6, 11):
			n.blocking.take()
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

// chargeEvery is after how many calls the thread's clock is read.
const chargeEvery = 64

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
	if err := receiveNotification(fd, &n.asked); err != nil {
		if err == unix.ENOENT {
			return false, nil
		}
		return false, err
	}
	return true, n.judge(fd, &n.asked)
}

// judge decides one notification and answers it. What may take long is done
// apart: the sandbox's other threads go on.
func (n *notifier) judge(fd uintptr, asked *notification) error {
	n.last = time.Now()
	n.budget.work += time.Duration(n.workApart.Swap(0))
	n.count()
	call := syscallpolicy.Classify(int(asked.NR), asked.Args)
	if signal, self := selfSignal(call, asked.Args); self {
		return n.deliver(fd, asked, call, signal)
	}
	if broker.Slow(call) {
		n.performApart(fd, asked, call)
		return nil
	}
	n.caller = caller{sandbox: n.sandbox, listener: fd, id: asked.ID}
	return n.perform(&n.caller, asked, call, n.last)
}

// performApart leaves a call to another thread.
func (n *notifier) performApart(fd uintptr, asked *notification, call syscallpolicy.Syscall) {
	kept, at := *asked, n.last
	n.apart.Go(func() {
		unlock, err := lockThread()
		if err != nil {
			n.end(internalError("answer operations: %v", err))
			return
		}
		defer unlock()
		before := threadTime()
		c := caller{sandbox: n.sandbox, listener: fd, id: kept.ID}
		if err := n.perform(&c, &kept, call, at); err != nil {
			n.end(internalError("answer operations: %v", err))
		}
		n.workApart.Add(int64(threadTime() - before + slowCost))
	})
}

// perform has the broker serve a call, and answers it.
func (n *notifier) perform(c *caller, asked *notification, call syscallpolicy.Syscall, at time.Time) error {
	answer := n.broker.Serve(c, call, asked.Args, int(asked.PID), at)
	if answer.Refused != "" {
		n.undone(asked, call, answer, at)
	}
	if answer.Gone || c.answered {
		return nil
	}
	return respond(c.listener, response{ID: asked.ID, Value: answer.Value, Error: -int32(answer.Errno)})
}

// undone has on record that something was allowed and not done all the same.
func (n *notifier) undone(asked *notification, call syscallpolicy.Syscall, answer broker.Answer, at time.Time) {
	n.refused(syscallpolicy.Operation{
		Kind: call.Kind, Target: call.Name, Syscall: call.Name, Write: call.Write, Args: asked.Args, Thread: int(asked.PID), Time: at,
	}, syscallpolicy.Decision{Errno: answer.Errno, Rule: undone + answer.Refused})
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
		n.end(n.signals.cause(signal, n.sandbox.pid))
	}
	n.signals.add(signal)
	// Safe for these calls: they are numbers only, which no other thread can
	// change after the judgement.
	return respond(fd, response{ID: asked.ID, Flags: notifyContinue})
}

// waitsKillable tells whether the kernel (5.19) lets nothing but the end of its
// process break off a routed call. It is asked, not its version: it judges the
// flags before it looks at the filter, which is not there.
var waitsKillable = sync.OnceValue(func() bool {
	const flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, 0)
	return errno == unix.EFAULT
})
