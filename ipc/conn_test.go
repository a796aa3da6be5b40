package ipc

import (
	"errors"
	"io"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/fdcheck"
)

func TestMain(m *testing.M) { os.Exit(fdcheck.Run(m)) }

// pair gives the supervisor's end and the peer's. Both are closed at the
// test's end, and then nothing may be left open.
func pair(t *testing.T) (*Conn, *os.File) {
	t.Helper()
	before, err := fdcheck.Take()
	if err != nil {
		t.Fatal(err)
	}
	conn, peer, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		peer.Close()
		leaked, err := fdcheck.Leaked(before)
		if err != nil || len(leaked) > 0 {
			t.Errorf("left open: %q, %v", leaked, err)
		}
	})
	return conn, peer
}

// post writes a datagram with descriptors as a peer would.
func post(t *testing.T, peer *os.File, datagram []byte, fds ...int) {
	t.Helper()
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	if err := sendmsg(int(peer.Fd()), datagram, rights); err != nil {
		t.Fatalf("sendmsg: %v", err)
	}
}

// take reads a datagram as a peer would, with the descriptors that it brings.
func take(t *testing.T, peer *os.File) ([]byte, []*os.File) {
	t.Helper()
	b, oob := make([]byte, MaxFrame), make([]byte, unix.CmsgSpace(4*MaxDescriptors))
	n, oobn, _, _, err := unix.Recvmsg(int(peer.Fd()), b, oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		t.Fatalf("recvmsg: %v", err)
	}
	files, err := parseRights(oob[:oobn])
	if err != nil {
		t.Fatal(err)
	}
	return b[:n], files
}

func zero(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Open("/dev/zero")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func repeated(fd, n int) []int {
	fds := make([]int, n)
	for i := range fds {
		fds[i] = fd
	}
	return fds
}

func checkNone(t *testing.T, what string, m Message, files []*os.File) {
	t.Helper()
	if m != nil || files != nil {
		t.Errorf("%s: Receive = %+v with %d files beside its error", what, m, len(files))
	}
}

func TestConnReceive(t *testing.T) {
	conn, peer := pair(t)
	for _, name := range []string{"hello", "result", "value-int", "ask"} {
		post(t, peer, readGolden(t, name))
	}
	for _, name := range []string{"hello", "result", "value-int", "ask"} {
		m, seq, files, err := conn.Receive(0)
		want := golden[name]
		if err != nil || seq != want.seq || len(files) != 0 || !reflect.DeepEqual(m, want.message) {
			t.Errorf("Receive = %+v, %d, %d files, %v; want %+v, %d", m, seq, len(files), err, want.message, want.seq)
		}
	}
}

func TestConnSend(t *testing.T) {
	conn, peer := pair(t)
	if err := conn.Send(golden["answer"].message, 7); err != nil {
		t.Fatal(err)
	}
	if got, files := take(t, peer); !reflect.DeepEqual(got, readGolden(t, "answer")) || files != nil {
		t.Errorf("Send wrote %x with %d files; want the golden frame", got, len(files))
	}
}

func TestConnPassesDescriptors(t *testing.T) {
	conn, peer := pair(t)
	for _, n := range []int{1, 3, MaxDescriptors} {
		var files []*os.File
		for range n {
			files = append(files, zero(t))
		}
		if err := conn.Send(&Locked{}, 0, files...); err != nil {
			t.Fatalf("Send with %d descriptors: %v", n, err)
		}
		_, got := take(t, peer)
		if len(got) != n {
			t.Errorf("%d descriptors came; want %d", len(got), n)
		}
		for _, f := range got {
			if b := make([]byte, 1); !readable(f, b) {
				t.Error("a descriptor that came does not read as /dev/zero")
			}
		}
		closeAll(got)
	}
	for _, n := range []int{1, MaxDescriptors} {
		post(t, peer, readGolden(t, "forked"), repeated(int(zero(t).Fd()), n)...)
		_, _, files, err := conn.Receive(n)
		if err != nil || len(files) != n {
			t.Fatalf("Receive of %d descriptors = %d, %v", n, len(files), err)
		}
		for _, f := range files {
			flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0)
			if err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("a received descriptor has flags %#x, %v; want close-on-exec", flags, err)
			}
		}
		closeAll(files)
	}
}

func readable(f *os.File, b []byte) bool {
	_, err := f.Read(b)
	return err == nil
}

// A peer that should send a descriptor may answer with a failure, without.
func TestConnMissingDescriptorIsAllowed(t *testing.T) {
	conn, peer := pair(t)
	post(t, peer, readGolden(t, "failed"))
	m, _, files, err := conn.Receive(1)
	if err != nil || m.Type() != TypeFailed || files != nil {
		t.Errorf("Receive(1) = %+v, %d files, %v; want failed without", m, len(files), err)
	}
}

// Whatever a hostile peer sends, its descriptors are closed: pair counts.
func TestConnRefuses(t *testing.T) {
	hello := readGolden(t, "hello")
	large := append(hello, make([]byte, MaxFrame)...)
	for _, test := range []struct {
		name     string
		datagram []byte
		sent     int // descriptors
		want     int
		err      string
	}{
		{"an unexpected descriptor", hello, 1, 0, "descriptors, want none"},
		{"many unexpected", hello, MaxDescriptors, 0, "descriptors, want none"},
		{"one too many", hello, 2, 1, "2 descriptors, want 1"},
		{"too few", hello, 1, 2, "1 descriptors, want 2"},
		{"more than there is room for", hello, MaxDescriptors + 1, MaxDescriptors, "too many descriptors"},
		{"as many as the kernel passes", hello, 253, 1, "too many descriptors"},
		{"an oversized frame", large, 0, 0, "larger than 65536 bytes"},
		{"an oversized frame with a descriptor", large, 1, 1, "larger than 65536 bytes"},
		{"an oversized frame with too many", large, 253, 1, "larger than 65536 bytes"},
		{"no header", []byte{1}, 1, 1, "1 bytes are no header"},
		{"a malformed frame", append(hello, 0), 1, 1, "1 bytes too many"},
	} {
		t.Run(test.name, func(t *testing.T) {
			conn, peer := pair(t)
			post(t, peer, test.datagram, repeated(int(zero(t).Fd()), test.sent)...)
			m, _, files, err := conn.Receive(test.want)
			checkNone(t, test.name, m, files)
			if !errors.Is(err, ErrFrame) || !strings.Contains(err.Error(), test.err) {
				t.Errorf("Receive = error %v; want an ErrFrame with %q", err, test.err)
			}
			// Nothing of it is left in the way of the next frame.
			post(t, peer, hello)
			if m, _, _, err := conn.Receive(0); err != nil || m.Type() != TypeHello {
				t.Errorf("the frame after it: Receive = %+v, %v; want hello", m, err)
			}
		})
	}
}

func TestConnZeroLength(t *testing.T) {
	for _, fds := range []int{0, 1, 253} {
		conn, peer := pair(t)
		post(t, peer, nil, repeated(int(zero(t).Fd()), fds)...)
		m, _, files, err := conn.Receive(fds)
		checkNone(t, "zero length", m, files)
		if err != io.EOF {
			t.Errorf("Receive of nothing with %d descriptors = %v; want EOF", fds, err)
		}
	}
}

func TestConnEOF(t *testing.T) {
	conn, peer := pair(t)
	post(t, peer, readGolden(t, "exception"))
	peer.Close()
	if m, _, _, err := conn.Receive(0); err != nil || m.Type() != TypeException {
		t.Errorf("Receive = %+v, %v; want what the peer sent before its end", m, err)
	}
	for range 2 {
		if _, _, _, err := conn.Receive(0); err != io.EOF {
			t.Errorf("Receive = error %v; want EOF", err)
		}
	}
	if err := conn.Send(&Locked{}, 0); !errors.Is(err, unix.EPIPE) {
		t.Errorf("Send = %v; want EPIPE", err)
	}
}

// The kernel answers ECONNRESET, before what is still to be read, when the
// peer ends with frames unread.
func TestConnReset(t *testing.T) {
	conn, peer := pair(t)
	for range 2 {
		post(t, peer, readGolden(t, "result"))
		if err := conn.Send(&Locked{}, 0, zero(t)); err != nil {
			t.Fatal(err)
		}
	}
	peer.Close()
	for i := range 2 {
		if m, _, _, err := conn.Receive(0); err != nil || m.Type() != TypeResult {
			t.Errorf("Receive = %+v, %v; want result %d", m, err, i)
		}
	}
	if _, _, _, err := conn.Receive(0); err != io.EOF {
		t.Errorf("Receive = error %v; want EOF", err)
	}
}

func TestConnReceiveDeadline(t *testing.T) {
	conn, peer := pair(t)
	conn.SetReceiveDeadline(time.Now().Add(20 * time.Millisecond))
	if _, _, _, err := conn.Receive(0); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Receive = error %v; want the deadline's", err)
	}
	conn.SetReceiveDeadline(time.Time{})
	post(t, peer, readGolden(t, "hello"))
	if _, _, _, err := conn.Receive(0); err != nil {
		t.Errorf("Receive without a deadline = error %v", err)
	}
}

// A deadline may be set while Receive waits: so a context ends it.
func TestConnReceiveDeadlineLater(t *testing.T) {
	conn, _ := pair(t)
	time.AfterFunc(20*time.Millisecond, func() { conn.SetReceiveDeadline(time.Unix(1, 0)) })
	if _, _, _, err := conn.Receive(0); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Receive = error %v; want the deadline's", err)
	}
}

func TestConnSendDeadline(t *testing.T) {
	conn, peer := pair(t)
	conn.SetSendDeadline(time.Now().Add(50 * time.Millisecond))
	big := &Ask{Target: strings.Repeat("x", MaxFrame-HeaderSize-8)}
	var err error
	sent := 0
	for err == nil {
		if err = conn.Send(big, 0); err == nil {
			sent++
		}
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) || sent == 0 {
		t.Errorf("after %d frames Send = %v; want the deadline's", sent, err)
	}
	conn.SetSendDeadline(time.Time{})
	done := make(chan error)
	go func() { done <- conn.Send(big, 0) }()
	for range sent + 1 {
		take(t, peer)
	}
	if err := <-done; err != nil {
		t.Errorf("Send once the peer reads = %v", err)
	}
}

func TestConnClose(t *testing.T) {
	conn, _ := pair(t)
	received := make(chan error)
	go func() {
		_, _, _, err := conn.Receive(0)
		received <- err
	}()
	time.Sleep(20 * time.Millisecond)
	conn.Close()
	if err := <-received; !errors.Is(err, os.ErrClosed) {
		t.Errorf("blocked Receive = error %v; want os.ErrClosed", err)
	}
	if _, _, _, err := conn.Receive(0); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Receive after Close = error %v; want os.ErrClosed", err)
	}
	if err := conn.Send(&Locked{}, 0); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Send after Close = %v; want os.ErrClosed", err)
	}
}

func TestConnSendRefuses(t *testing.T) {
	conn, peer := pair(t)
	const fits = MaxFrame - HeaderSize - 8
	if err := conn.Send(&Ask{Target: strings.Repeat("x", fits)}, 0); err != nil {
		t.Errorf("Send of the largest frame = %v", err)
	}
	if got, _ := take(t, peer); len(got) != MaxFrame {
		t.Errorf("the largest frame came as %d bytes; want %d", len(got), MaxFrame)
	}
	err := conn.Send(&Ask{Target: strings.Repeat("x", fits+1)}, 0)
	if err == nil || err.Error() != "send ask: 65537 bytes, at most 65536" {
		t.Errorf("Send of too large a frame = %v", err)
	}
	files := make([]*os.File, MaxDescriptors+1)
	for i := range files {
		files[i] = peer
	}
	if err := conn.Send(&Locked{}, 0, files...); err == nil || err.Error() != "send locked: 129 descriptors, at most 128" {
		t.Errorf("Send of too many descriptors = %v", err)
	}
	closed := zero(t)
	closed.Close()
	if err := conn.Send(&Locked{}, 0, closed); !errors.Is(err, unix.EBADF) {
		t.Errorf("Send of a closed file = %v; want EBADF", err)
	}
}

func TestConnConcurrentSends(t *testing.T) {
	conn, peer := pair(t)
	const senders, frames = 8, 50
	var sending sync.WaitGroup
	for sender := range senders {
		sending.Go(func() {
			text := strings.Repeat(string(rune('a'+sender)), 4000)
			for i := range frames {
				if err := conn.Send(&Ask{Target: text}, uint32(sender*frames+i)); err != nil {
					t.Errorf("Send = %v", err)
				}
			}
		})
	}
	next := make([]uint32, senders)
	for range senders * frames {
		b, _ := take(t, peer)
		m, seq, err := decode(b)
		if err != nil {
			t.Fatal(err)
		}
		sender := seq / frames
		text := m.(*Ask).Target
		if want := strings.Repeat(string(rune('a'+sender)), 4000); text != want || seq%frames != next[sender] {
			t.Errorf("frame %d of sender %d came in place of %d, or mixed with another", seq%frames, sender, next[sender])
		}
		next[sender]++
	}
	sending.Wait()
}

// Both directions at once, over one descriptor.
func TestConnEcho(t *testing.T) {
	conn, peer := pair(t)
	const rounds = 200
	var sides sync.WaitGroup
	defer sides.Wait()
	sides.Go(func() {
		b := make([]byte, MaxFrame)
		for range rounds {
			n, err := peer.Read(b)
			if err == nil {
				_, err = peer.Write(b[:n])
			}
			if err != nil {
				t.Errorf("peer: %v", err)
				return
			}
		}
	})
	sides.Go(func() {
		for i := range rounds {
			if err := conn.Send(&Exited{Token: uint64(i)}, uint32(i)); err != nil {
				t.Errorf("Send = %v", err)
				return
			}
		}
	})
	for i := range rounds {
		m, seq, _, err := conn.Receive(0)
		if err != nil {
			t.Fatal(err)
		}
		if exited, ok := m.(*Exited); !ok || exited.Token != uint64(i) || seq != uint32(i) {
			t.Errorf("Receive = %+v, %d; want round %d", m, seq, i)
		}
	}
}
