package ipc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/quiet"
)

// Conn is the supervisor's end of a conversation. Sends may come from any
// goroutine; Receive belongs to one goroutine at a time. It owns its
// descriptor.
//
// The descriptor does not lie in Go's poller, which would wake a thread of its
// own for each frame: package quiet says what that costs.
type Conn struct {
	f  *os.File
	fd int

	use    sync.RWMutex  // held for reading by who uses fd, and to close it alone
	closed chan struct{} // closed when the conversation ends on our side
	once   sync.Once

	bound    sync.Once // the time that a receive may block in its thread
	boundErr error

	patience patience // of ReceiveSoon

	sending sync.Mutex // one send at a time
	watch   *quiet.Watch
	receive deadline
	send    deadline
}

// deadline is a time that may be moved while somebody waits for it.
type deadline struct {
	mu    sync.Mutex
	at    time.Time
	moved chan struct{} // made by who waits, closed when at is another
}

func (d *deadline) set(at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = at
	if d.moved != nil {
		close(d.moved)
		d.moved = nil
	}
}

// left is the time until then, and what ends it early.
func (d *deadline) left() (left time.Duration, bounded bool, moved <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.moved == nil {
		d.moved = make(chan struct{})
	}
	if d.at.IsZero() {
		return 0, false, d.moved
	}
	return time.Until(d.at), true, d.moved
}

func (d *deadline) passed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.at.IsZero() && time.Until(d.at) <= 0
}

// buffers are what a frame is received into. They belong to a Receive that has
// something to read: hundreds of conversations wait most of the time.
type buffers struct {
	in  [MaxFrame]byte
	oob []byte
	header
}

var bufferPool = sync.Pool{New: func() any { return &buffers{oob: make([]byte, unix.CmsgSpace(4*MaxDescriptors))} }}

// AnyFiles lets a frame bring as many descriptors as there is room for.
const AnyFiles = -1

// Pair makes a conversation's socket pair: the supervisor's end, and the
// peer's end, which the caller passes on and closes.
func Pair() (*Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	return NewConn(os.NewFile(uintptr(fds[0]), "control")), os.NewFile(uintptr(fds[1]), "control-peer"), nil
}

// NewConn takes over f, a SOCK_SEQPACKET socket that blocks: one that does not
// lies in Go's poller.
func NewConn(f *os.File) *Conn {
	return &Conn{f: f, fd: int(f.Fd()), closed: make(chan struct{})}
}

// Close ends the conversation. A blocked Receive returns os.ErrClosed.
func (c *Conn) Close() error {
	err := os.ErrClosed
	c.once.Do(func() {
		close(c.closed)
		c.use.Lock()
		defer c.use.Unlock()
		if c.watch != nil {
			c.watch.Stop()
		}
		err = c.f.Close()
	})
	return err
}

// enter keeps the descriptor open until leave.
func (c *Conn) enter() error {
	c.use.RLock()
	select {
	case <-c.closed:
		c.use.RUnlock()
		return os.ErrClosed
	default:
		return nil
	}
}

func (c *Conn) leave() { c.use.RUnlock() }

// SetReceiveDeadline bounds Receive; the zero time lifts the bound.
func (c *Conn) SetReceiveDeadline(t time.Time) { c.receive.set(t) }

// SetSendDeadline bounds Send: a peer that does not read cannot hold the
// supervisor.
func (c *Conn) SetSendDeadline(t time.Time) { c.send.set(t) }

// Send writes m as one frame, with descriptors if there are any; the caller
// keeps his. They become blocking ones, as Fd says: what a model prints to
// must not answer EAGAIN.
func (c *Conn) Send(m Message, seq uint32, files ...*os.File) error {
	p := datagrams.Get().(*[]byte)
	defer datagrams.Put(p)
	e := encoder{appendHeader((*p)[:0], m.Type(), seq)}
	m.encode(&e)
	*p = e.b
	if len(e.b) > MaxFrame {
		return fmt.Errorf("send %v: %d bytes, at most %d", m.Type(), len(e.b), MaxFrame)
	}
	if len(files) > MaxDescriptors {
		return fmt.Errorf("send %v: %d descriptors, at most %d", m.Type(), len(files), MaxDescriptors)
	}
	var rights []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		rights = unix.UnixRights(fds...)
	}
	c.sending.Lock()
	defer c.sending.Unlock()
	err := c.sendmsg(e.b, rights)
	// Until here the collector must not close what only its number names.
	runtime.KeepAlive(files)
	if err != nil {
		return fmt.Errorf("send %v: %w", m.Type(), err)
	}
	return nil
}

// datagrams are buffers to encode into.
var datagrams = sync.Pool{New: func() any { b := make([]byte, 0, 512); return &b }}

func (c *Conn) sendmsg(frame, rights []byte) error {
	for {
		if err := c.enter(); err != nil {
			return err
		}
		err := ignoringEINTR(func() error {
			if len(rights) == 0 {
				return unix.Send(c.fd, frame, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
			}
			return unix.Sendmsg(c.fd, frame, rights, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		})
		if err == unix.EAGAIN {
			pollFor(c.fd, unix.POLLOUT, fullFor)
		}
		c.leave()
		if err != unix.EAGAIN {
			return err
		}
		if c.send.passed() {
			return os.ErrDeadlineExceeded
		}
	}
}

// fullFor is how long a thread waits for room in the socket before it looks
// whether the conversation has ended: nobody sends so much that this is a way
// to wait that costs anything.
const fullFor = 50 * time.Millisecond

// pollFor waits in the calling thread.
func pollFor(fd int, events int16, longest time.Duration) {
	fds := [1]unix.PollFd{{Fd: int32(fd), Events: events}}
	timeout := unix.NsecToTimespec(int64(longest))
	unix.Ppoll(fds[:], &timeout, nil)
}

// Receive reads one frame. io.EOF says that the peer is gone. A frame from a
// sandbox must carry no descriptor: wantFiles is then 0, and what came all
// the same is dropped and told as an error. Otherwise exactly wantFiles
// descriptors must come, or none (a peer that answers with a failure); with
// AnyFiles the message says how many are right.
func (c *Conn) Receive(wantFiles int) (Message, uint32, []*os.File, error) {
	for {
		m, seq, files, err := c.receiveNow(wantFiles, unix.MSG_DONTWAIT)
		if err != ErrNotYet {
			return m, seq, files, err
		}
		if err := c.wait(); err != nil {
			return nil, 0, nil, err
		}
	}
}

// ErrNotYet says that no frame came within the moment that ReceiveSoon waits.
var ErrNotYet = errors.New("no frame yet")

// ReceiveSoon is Receive for who expects the frame within microseconds. It waits
// in the calling thread, a few milliseconds at most: the kernel hands over to a
// thread that waits like that on one processor. A goroutine that waits in
// Receive is woken by way of a thread on another, which takes a virtual machine
// tens of microseconds when that one is idle.
func (c *Conn) ReceiveSoon(wantFiles int) (Message, uint32, []*os.File, error) {
	if m, seq, files, err := c.lookFor(wantFiles); err != ErrNotYet {
		return m, seq, files, err
	}
	return c.receiveNow(wantFiles, c.bounded())
}

// lookFor receives without sleeping.
func (c *Conn) lookFor(wantFiles int) (m Message, seq uint32, files []*os.File, err error) {
	err = ErrNotYet
	if !c.patience.begin() {
		return nil, 0, nil, err
	}
	for start := time.Now(); time.Since(start) < lookFor; {
		if m, seq, files, err = c.receiveNow(wantFiles, unix.MSG_DONTWAIT); err != ErrNotYet {
			break
		}
	}
	c.patience.end(err != ErrNotYet)
	return m, seq, files, err
}

// receiveNow gives ErrNotYet when there is nothing.
func (c *Conn) receiveNow(wantFiles, how int) (Message, uint32, []*os.File, error) {
	b := bufferPool.Get().(*buffers)
	defer bufferPool.Put(b) // what is decoded is a copy
	n, oobn, flags, err := c.takeNow(b, wantFiles != 0, how)
	if err == unix.EAGAIN {
		return nil, 0, nil, ErrNotYet
	}
	if err != nil {
		return nil, 0, nil, err
	}
	files, err := parseRights(b.oob[:oobn])
	if err == nil && n == 0 {
		// A zero-length datagram cannot be told from the end; it is no frame
		// either, so both end the conversation. Only the datagram can bring
		// descriptors.
		err = io.EOF
	}
	if err == nil {
		err = checkReceived(flags, len(files), wantFiles)
	}
	var m Message
	var f Frame
	if err == nil {
		f, err = ParseFrame(b.in[:n])
	}
	if err == nil {
		m, err = Decode(f)
	}
	if err != nil {
		closeAll(files)
		return nil, 0, nil, err
	}
	return m, f.Seq, files, nil
}

// takeNow gives EAGAIN when there is nothing.
func (c *Conn) takeNow(b *buffers, rights bool, how int) (n, oobn, flags int, err error) {
	if err := c.enter(); err != nil {
		return 0, 0, 0, err
	}
	defer c.leave()
	n, oobn, flags, err = b.receive(c.fd, rights, how)
	if err == unix.ECONNRESET {
		// The peer ended with frames unread. The kernel says so once;
		// then comes what the peer had sent before, and then the end.
		n, oobn, flags, err = b.receive(c.fd, rights, how)
	}
	return n, oobn, flags, err
}

// soonFor is how long ReceiveSoon waits in its thread.
const soonFor = 2 * time.Millisecond

// bounded makes a receive that may block end by itself, and gives its flags.
func (c *Conn) bounded() int {
	c.bound.Do(func() {
		timeout := unix.NsecToTimeval(int64(soonFor))
		c.boundErr = unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout)
	})
	if c.boundErr != nil {
		return unix.MSG_DONTWAIT
	}
	return 0
}

// wait blocks the goroutine until there may be something to receive.
func (c *Conn) wait() error {
	left, bounded, moved := c.receive.left()
	var late <-chan time.Time
	if bounded {
		if left <= 0 {
			return os.ErrDeadlineExceeded
		}
		timer := time.NewTimer(left)
		defer timer.Stop()
		late = timer.C
	}
	if err := c.arm(); err != nil {
		return err
	}
	select {
	case <-c.watch.Wake:
	case <-c.closed:
		return os.ErrClosed
	case <-moved:
	case <-late:
	}
	return nil
}

// arm asks for a wake when there is something, also if there is by now.
func (c *Conn) arm() (err error) {
	if err := c.enter(); err != nil {
		return err
	}
	defer c.leave()
	if c.watch == nil {
		if c.watch, err = quiet.New(c.fd); err != nil {
			return err
		}
	}
	return c.watch.Arm()
}

func checkReceived(flags, got, want int) error {
	switch {
	case flags&unix.MSG_TRUNC != 0:
		return fmt.Errorf("%w: larger than %d bytes", ErrFrame, MaxFrame)
	case flags&unix.MSG_CTRUNC != 0 && want == 0:
		return fmt.Errorf("%w: descriptors, want none", ErrFrame)
	case flags&unix.MSG_CTRUNC != 0:
		return fmt.Errorf("%w: too many descriptors", ErrFrame)
	case want != AnyFiles && got != want && got != 0:
		return fmt.Errorf("%w: %d descriptors, want %d", ErrFrame, got, want)
	}
	return nil
}

func parseRights(oob []byte) ([]*os.File, error) {
	if len(oob) == 0 {
		return nil, nil
	}
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, fmt.Errorf("%w: control data: %v", ErrFrame, err)
	}
	var files []*os.File
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			closeAll(files)
			return nil, fmt.Errorf("%w: control data: %v", ErrFrame, err)
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "received"))
		}
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

func ignoringEINTR(f func() error) error {
	for {
		if err := f(); err != unix.EINTR {
			return err
		}
	}
}
