package supervisor

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// quiet watches the listeners of sandboxes that make no operations: one epoll
// instance for all of them, which lies in Go's poller, so no thread waits.
//
// Listeners do not lie in Go's poller themselves. It would go on waking a
// second thread at every operation that a busy notifier waits for in poll(2)
// anyway, which doubles the price of an answer. Here a listener that has
// woken its notifier is silent until it is armed again.
type quiet struct {
	poll *os.File
	fd   int // its descriptor: Fd would make it blocking

	mu    sync.Mutex
	wakes map[int32]chan struct{}
}

var quietListeners = sync.OnceValues(func() (*quiet, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("set epoll non-blocking: %w", err)
	}
	q := &quiet{poll: os.NewFile(uintptr(fd), "quiet-listeners"), fd: fd, wakes: map[int32]chan struct{}{}}
	raw, err := q.poll.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("watch listeners: %w", err)
	}
	go raw.Read(q.dispatch)
	return q, nil
})

// dispatch wakes the notifiers of all listeners that are ready. It never
// asks Go's poller to stop waiting.
func (q *quiet) dispatch(fd uintptr) bool {
	var events [64]unix.EpollEvent
	for {
		n, err := unix.EpollWait(int(fd), events[:], 0)
		if err == unix.EINTR {
			continue
		}
		if n <= 0 {
			return false
		}
		q.mu.Lock()
		for _, e := range events[:n] {
			select {
			case q.wakes[e.Fd] <- struct{}{}:
			default:
			}
		}
		q.mu.Unlock()
	}
}

const quietEvents = unix.EPOLLIN | unix.EPOLLONESHOT

// add takes a listener on, silent; what comes on the channel says that an
// operation is pending or the sandbox is gone.
func (q *quiet) add(listener int) (<-chan struct{}, error) {
	wake := make(chan struct{}, 1)
	q.mu.Lock()
	q.wakes[int32(listener)] = wake
	q.mu.Unlock()
	// Without an event: only hang-ups and errors, which epoll always tells.
	if err := q.control(unix.EPOLL_CTL_ADD, listener, unix.EPOLLONESHOT); err != nil {
		q.remove(listener)
		return nil, err
	}
	return wake, nil
}

// arm asks for one wake.
func (q *quiet) arm(listener int) error { return q.control(unix.EPOLL_CTL_MOD, listener, quietEvents) }

// remove comes before the listener is closed.
func (q *quiet) remove(listener int) {
	q.control(unix.EPOLL_CTL_DEL, listener, 0)
	q.mu.Lock()
	delete(q.wakes, int32(listener))
	q.mu.Unlock()
}

func (q *quiet) control(operation, listener int, events uint32) error {
	event := unix.EpollEvent{Events: events, Fd: int32(listener)}
	if err := unix.EpollCtl(q.fd, operation, listener, &event); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}
