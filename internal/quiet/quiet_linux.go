// Package quiet waits for descriptors on which mostly nothing happens, without
// a thread for each and outside Go's poller.
//
// What lies in Go's poller wakes one of its threads at each event, also when
// another thread waits for that very event in a system call of its own. On an
// idle machine that is a wake-up of a second processor, which costs more than
// the answer that was waited for; on a busy one it takes a processor from who
// works. A descriptor that is watched here is silent until it is armed, and
// after the one wake that it was armed for.
package quiet

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// poller is one epoll instance for the whole process. It lies in Go's poller,
// so that no thread waits.
type poller struct {
	poll *os.File
	fd   int // its descriptor: Fd would make it blocking

	mu    sync.Mutex
	wakes map[int32]chan struct{}
}

// one is opened at the first use and stays.
var one = sync.OnceValues(func() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("set epoll non-blocking: %w", err)
	}
	p := &poller{poll: os.NewFile(uintptr(fd), "quiet"), fd: fd, wakes: map[int32]chan struct{}{}}
	raw, err := p.poll.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("watch descriptors: %w", err)
	}
	go raw.Read(p.dispatch)
	return p, nil
})

// Open opens what all watches share, which the first one does otherwise. A test
// that counts descriptors calls it before it counts.
func Open() error {
	_, err := one()
	return err
}

// dispatch wakes all that are ready. It never asks Go's poller to stop
// waiting.
func (p *poller) dispatch(fd uintptr) bool {
	var events [64]unix.EpollEvent
	for {
		n, err := unix.EpollWait(int(fd), events[:], 0)
		if err == unix.EINTR {
			continue
		}
		if n <= 0 {
			return false
		}
		p.mu.Lock()
		for _, e := range events[:n] {
			select {
			case p.wakes[e.Fd] <- struct{}{}:
			default:
			}
		}
		p.mu.Unlock()
	}
}

// Watch is one descriptor that is watched.
type Watch struct {
	// Wake gets a value when there is something to read, or the other end is
	// gone. One may come too many, of an event that was taken otherwise.
	Wake <-chan struct{}

	poller *poller
	fd     int
}

// New watches fd, which stays the caller's. It is silent at first.
func New(fd int) (*Watch, error) {
	p, err := one()
	if err != nil {
		return nil, err
	}
	wake := make(chan struct{}, 1)
	w := &Watch{Wake: wake, poller: p, fd: fd}
	p.mu.Lock()
	p.wakes[int32(fd)] = wake
	p.mu.Unlock()
	// Without an event: only hang-ups and errors, which epoll always tells.
	if err := w.control(unix.EPOLL_CTL_ADD, unix.EPOLLONESHOT); err != nil {
		w.Stop()
		return nil, err
	}
	return w, nil
}

// Arm asks for one wake. What is there already wakes at once.
func (w *Watch) Arm() error {
	return w.control(unix.EPOLL_CTL_MOD, unix.EPOLLIN|unix.EPOLLONESHOT)
}

// Stop comes before the descriptor is closed.
func (w *Watch) Stop() {
	w.control(unix.EPOLL_CTL_DEL, 0)
	w.poller.mu.Lock()
	delete(w.poller.wakes, int32(w.fd))
	w.poller.mu.Unlock()
}

func (w *Watch) control(operation int, events uint32) error {
	event := unix.EpollEvent{Events: events, Fd: int32(w.fd)}
	if err := unix.EpollCtl(w.poller.fd, operation, w.fd, &event); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}
