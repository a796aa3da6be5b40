package ipc

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Conn is the supervisor's end of a conversation. Sends may come from any
// goroutine; Receive belongs to one goroutine at a time. It owns its
// descriptor.
type Conn struct {
	f      *os.File
	closed atomic.Bool
	mu     sync.Mutex // serialises sends
}

// buffers are what frames are received into. They belong to a Receive that has
// something to read: hundreds of conversations wait most of the time.
type buffers struct {
	in  [MaxFrame]byte
	oob []byte
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
	// Only our end does not block: the flag belongs to the open file, and
	// the two ends are two open files.
	if err := unix.SetNonblock(fds[0], true); err != nil {
		unix.Close(fds[0])
		unix.Close(fds[1])
		return nil, nil, fmt.Errorf("set non-blocking: %w", err)
	}
	return NewConn(os.NewFile(uintptr(fds[0]), "control")), os.NewFile(uintptr(fds[1]), "control-peer"), nil
}

// NewConn takes over f, a SOCK_SEQPACKET socket in non-blocking mode.
func NewConn(f *os.File) *Conn {
	return &Conn{f: f}
}

// Close ends the conversation. A blocked Receive returns os.ErrClosed.
func (c *Conn) Close() error {
	c.closed.Store(true)
	return c.f.Close()
}

// SetReceiveDeadline bounds Receive; the zero time lifts the bound.
func (c *Conn) SetReceiveDeadline(t time.Time) error { return c.f.SetReadDeadline(t) }

// SetSendDeadline bounds Send: a peer that does not read cannot hold the
// supervisor.
func (c *Conn) SetSendDeadline(t time.Time) error { return c.f.SetWriteDeadline(t) }

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
	c.mu.Lock()
	defer c.mu.Unlock()
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
	raw, err := c.f.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	err = raw.Write(func(fd uintptr) bool {
		sent = ignoringEINTR(func() error { return unix.Sendmsg(int(fd), frame, rights, nil, unix.MSG_NOSIGNAL) })
		return sent != unix.EAGAIN
	})
	return c.firstOf(err, sent)
}

// Await waits in the calling thread until there is something to receive, or for
// so long at most; Receive then does not wait, or waits on. The kernel hands
// over to a thread that waits like that on one processor. Over Go's poller,
// which is where Receive waits, it wakes another, which takes a virtual machine
// tens of microseconds when that one is idle.
func (c *Conn) Await(longest time.Duration) {
	raw, err := c.f.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		timeout := unix.NsecToTimespec(int64(longest))
		unix.Ppoll(fds[:], &timeout, nil)
	})
}

// Receive reads one frame. io.EOF says that the peer is gone. A frame from a
// sandbox must carry no descriptor: wantFiles is then 0, and what came all
// the same is closed and told as an error. Otherwise exactly wantFiles
// descriptors must come, or none (a peer that answers with a failure); with
// AnyFiles the message says how many are right.
func (c *Conn) Receive(wantFiles int) (Message, uint32, []*os.File, error) {
	b, n, oobn, flags, err := c.recvmsg()
	if err != nil {
		return nil, 0, nil, err
	}
	// What is decoded is a copy.
	defer bufferPool.Put(b)
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

func (c *Conn) recvmsg() (b *buffers, n, oobn, flags int, err error) {
	raw, err := c.f.SyscallConn()
	if err != nil {
		return nil, 0, 0, 0, err
	}
	var received error
	err = raw.Read(func(fd uintptr) bool {
		if b == nil {
			b = bufferPool.Get().(*buffers)
		}
		receive := func() (e error) {
			n, oobn, flags, _, e = unix.Recvmsg(int(fd), b.in[:], b.oob, unix.MSG_CMSG_CLOEXEC)
			return e
		}
		received = ignoringEINTR(receive)
		if received == unix.ECONNRESET {
			// The peer ended with frames unread. The kernel says so once;
			// then comes what the peer had sent before, and then the end.
			received = ignoringEINTR(receive)
		}
		if received != unix.EAGAIN {
			return true
		}
		bufferPool.Put(b)
		b = nil
		return false
	})
	if err := c.firstOf(err, received); err != nil {
		if b != nil {
			bufferPool.Put(b)
		}
		return nil, 0, 0, 0, err
	}
	return b, n, oobn, flags, nil
}

func checkReceived(flags, got, want int) error {
	switch {
	case flags&unix.MSG_TRUNC != 0:
		return fmt.Errorf("%w: larger than %d bytes", ErrFrame, MaxFrame)
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

// firstOf prefers the poller's error: what the system call said before it,
// mostly EAGAIN, is no news then.
func (c *Conn) firstOf(poll, call error) error {
	switch {
	case poll == nil:
		return call
	case c.closed.Load():
		return os.ErrClosed // the poller's own is not that
	}
	return poll
}
