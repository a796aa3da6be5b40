package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// server answers HTTP on a port of the loopback interface.
func server(t *testing.T) netip.AddrPort {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello "+r.URL.Path)
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(listener)
	}()
	t.Cleanup(func() {
		s.Close()
		<-done
	})
	return netip.MustParseAddrPort(listener.Addr().String())
}

func resolveTo(addresses ...string) func(context.Context, string) ([]netip.Addr, error) {
	return func(context.Context, string) ([]netip.Addr, error) {
		var list []netip.Addr
		for _, a := range addresses {
			list = append(list, netip.MustParseAddr(a))
		}
		return list, nil
	}
}

// networkBroker allows the given addresses, and the files that names need.
func networkBroker(t *testing.T, n Network, targets ...string) (*Broker, *recorded) {
	p := &recorded{}
	b := newBroker(t, Options{Network: &n, Decide: func(o syscallpolicy.Operation) syscallpolicy.Decision {
		p.decide(o)
		if NameFile(o.Target) && !o.Write || o.Kind == syscallpolicy.KindConnect && slices.Contains(targets, o.Target) {
			return allow
		}
		return syscallpolicy.Decision{}
	}})
	return b, p
}

// TestPythonNetwork: Python's own name look-up and HTTP client reach a granted
// name, and no other.
func TestPythonNetwork(t *testing.T) {
	at := server(t)
	b, p := networkBroker(t, Network{
		Grants:  []string{fmt.Sprintf("api.example.com:%d", at.Port()), at.String(), "closed.example.com:9"},
		Resolve: resolveTo("127.0.0.1"), Timeout: 5 * time.Second,
	}, fmt.Sprintf("api.example.com:%d", at.Port()), at.String())
	got := runPython(t, b, fmt.Sprintf(`
import errno, http.client, os, socket
port = %d
assert socket.gethostbyname("api.example.com") == "198.18.0.1"
for timeout in (None, 3):
    c = http.client.HTTPConnection("api.example.com", port, timeout=timeout)
    c.request("GET", "/there")
    assert c.getresponse().read() == b"hello /there"
    c.close()
s = socket.create_connection(("127.0.0.1", port), timeout=3)
assert s.getpeername() == ("127.0.0.1", port) and s.getsockname() == ("0.0.0.0", 0)
assert s.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
s.sendall(b"GET /here HTTP/1.0\r\n\r\n")
answer = b""
while part := s.recv(100):
    answer += part
assert answer.endswith(b"hello /here"), answer

def refused(action, *numbers):
    try:
        action()
    except OSError as e:
        assert e.errno in numbers, e
    else:
        raise AssertionError("was not refused")

refused(lambda: s.connect(("127.0.0.1", port)), errno.EISCONN)
refused(lambda: s.sendmsg([b"x"]), errno.EPERM)
refused(lambda: s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 1), errno.ENOPROTOOPT)
d = socket.socket()
refused(lambda: d.connect(("127.0.0.1", port + 1)), errno.EPERM)
refused(lambda: d.connect(("169.254.169.254", 80)), errno.EPERM)
refused(lambda: socket.getaddrinfo("www.example.org", 80), socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_SYSTEM)
refused(lambda: d.bind(("127.0.0.1", 0)), errno.EPERM)
refused(lambda: d.listen(), errno.EPERM)
refused(lambda: d.send(b"x"), errno.ENOTCONN)
refused(lambda: d.sendto(b"x", ("127.0.0.1", port)), errno.EPERM)
refused(lambda: d.sendto(b"x", socket.MSG_FASTOPEN, ("127.0.0.1", port)), errno.EPERM)
refused(lambda: d.getpeername(), errno.ENOTCONN)
refused(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM), errno.EPERM)
refused(lambda: socket.socket(socket.AF_UNIX), errno.EPERM)
refused(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW), errno.EPERM)
d.connect(("127.0.0.1", port))
refused(lambda: d.connect(("127.0.0.1", port)), errno.EISCONN)
print("done")
`, at.Port()))
	if got != "done\n" {
		t.Errorf("the model printed %q; want %q", got, "done\n")
	}
	want := fmt.Sprintf("connect api.example.com:%d", at.Port())
	if asked := p.targets(); !slices.Contains(asked, want) {
		t.Errorf("asked %q; want %q among them", asked, want)
	}
}

// TestPythonNames: on the way to a name nothing is tried that a record would
// have to show as refused, and nothing of the host is read.
func TestPythonNames(t *testing.T) {
	at := server(t)
	target := fmt.Sprintf("api.example.com:%d", at.Port())
	for name, model := range map[string]string{
		"by gethostbyname":  `print(socket.gethostbyname("api.example.com"))`,
		"by getaddrinfo":    `print(socket.getaddrinfo("api.example.com", 80, type=socket.SOCK_STREAM)[0][4][0])`,
		"for any socket":    `print(socket.getaddrinfo("API.example.com", 80)[0][4][0])`,
		"by a client":       fmt.Sprintf(`print(socket.create_connection(("api.example.com", %d), timeout=5) and "198.18.0.1")`, at.Port()),
		"that is not there": "try:\n    socket.getaddrinfo('www.example.org', 80)\nexcept socket.gaierror:\n    print('198.18.0.1')",
	} {
		b, p := networkBroker(t, Network{Grants: []string{target, at.String()}, Resolve: resolveTo("127.0.0.1")}, target)
		if got := runPython(t, b, "import socket\n"+model); got != "198.18.0.1\n" {
			t.Errorf("a name %s leads to %q", name, got)
		}
		for _, o := range p.asked {
			if !(NameFile(o.Target) && !o.Write) && o.Target != target {
				t.Errorf("a name %s asks for %v", name, o)
			}
		}
	}
}

// TestHabits: what has its answer without a decision is that and no more.
func TestHabits(t *testing.T) {
	network, p := networkBroker(t, Network{})
	plain := newBroker(t, Options{Decide: p.decide})
	f := newFake(t)
	const daemon = unix.SOCK_STREAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK
	for _, test := range []struct {
		call []any
		want unix.Errno // with a network
	}{
		{[]any{unix.SYS_SOCKET, unix.AF_UNIX, daemon, 0}, unix.EAFNOSUPPORT},
		{[]any{unix.SYS_STAT, "/", make([]byte, sizeofStat)}, unix.EACCES},
		{[]any{unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_STREAM | unix.SOCK_CLOEXEC, 0}, unix.EPERM},
		{[]any{unix.SYS_SOCKET, unix.AF_NETLINK, daemon, 0}, unix.EPERM},
		{[]any{unix.SYS_STAT, "/etc", make([]byte, sizeofStat)}, unix.EPERM},
		{[]any{unix.SYS_OPEN, "/", unix.O_DIRECTORY, 0}, unix.EPERM},
		{[]any{unix.SYS_UNAME, make([]byte, 400)}, unix.EPERM},
	} {
		p.targets()
		_, errno := f.call(network, test.call[0].(int), test.call[1:]...)
		asked := len(p.targets()) > 0
		if errno != test.want || asked != (test.want == unix.EPERM) {
			t.Errorf("call %d of %v = %v, decided %v; want %v", test.call[0], test.call[1], errno, asked, test.want)
		}
		if _, errno := f.call(plain, test.call[0].(int), test.call[1:]...); errno != unix.EPERM || len(p.targets()) == 0 {
			t.Errorf("call %d of %v without a network = %v, or not decided; want EPERM", test.call[0], test.call[1], errno)
		}
	}
}

// sockaddr is a struct sockaddr_in or sockaddr_in6.
func sockaddr(at string) []byte {
	a := netip.MustParseAddrPort(at)
	if a.Addr().Is4() {
		return appendAddress(nil, unix.AF_INET, a.Port(), a.Addr().AsSlice())
	}
	return appendAddress(nil, unix.AF_INET6, a.Port(), a.Addr().AsSlice())
}

// TestConnectRefused: what a name may lead to, and what counts as named.
func TestConnectRefused(t *testing.T) {
	at := server(t)
	port := at.Port()
	for _, test := range []struct {
		name    string
		grants  []string
		resolve []string
		to      string
		want    unix.Errno
	}{
		{"a name that leads to loopback", []string{fmt.Sprint("a.example:", port)}, []string{"127.0.0.1"}, "198.18.0.1", unix.EACCES},
		{"in another form", []string{fmt.Sprint("a.example:", port)}, []string{"::ffff:127.0.0.1"}, "198.18.0.1", unix.EACCES},
		{"to 0.0.0.0", []string{fmt.Sprint("a.example:", port)}, []string{"0.0.0.0"}, "198.18.0.1", unix.EACCES},
		{"to ::1", []string{fmt.Sprint("a.example:", port)}, []string{"::1"}, "198.18.0.1", unix.EACCES},
		{"to metadata", []string{fmt.Sprint("a.example:", port)}, []string{"169.254.169.254", "fd00:ec2::254"}, "198.18.0.1", unix.EACCES},
		{"to a synthetic address", []string{fmt.Sprint("a.example:", port)}, []string{"198.18.0.1"}, "198.18.0.1", unix.EACCES},
		{"to nothing", []string{fmt.Sprint("a.example:", port)}, nil, "198.18.0.1", unix.EHOSTUNREACH},
		{"loopback, named as address", []string{fmt.Sprint("a.example:", port), at.String()}, []string{"127.0.0.1"}, "198.18.0.1", 0},
		{"localhost", []string{fmt.Sprint("localhost:", port)}, []string{"127.0.0.1"}, "198.18.0.1", 0},
		{"localhost that is elsewhere", []string{fmt.Sprint("localhost:", port)}, []string{"10.0.0.1"}, "198.18.0.1", unix.EACCES},
		{"an address that a wildcard allowed", nil, nil, "127.0.0.1", unix.EACCES},
		{"an address of IPv6 that is one of IPv4", nil, nil, "[::ffff:127.0.0.1]", unix.EACCES},
		{"an address that was named", []string{at.String()}, nil, "127.0.0.1", 0},
		{"that, in the form of IPv6", []string{at.String()}, nil, "[::ffff:127.0.0.1]", 0},
	} {
		b := newBroker(t, Options{Decide: allowAll, Network: &Network{Grants: test.grants, Resolve: resolveTo(test.resolve...), Timeout: time.Second}})
		f := newFake(t)
		fd, errno := f.call(b, unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if errno != 0 {
			t.Fatal(errno)
		}
		address := sockaddr(fmt.Sprintf("%s:%d", test.to, port))
		if _, got := f.call(b, unix.SYS_CONNECT, int(fd), address, len(address)); got != test.want {
			t.Errorf("connect to %s = %v; want %v", test.name, got, test.want)
		}
	}
}

// TestDummy: nothing but connect makes something of what socket gave.
func TestDummy(t *testing.T) {
	b := newBroker(t, Options{Decide: allowAll, Network: &Network{}})
	f := newFake(t)
	fd, errno := f.call(b, unix.SYS_SOCKET, unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, unix.IPPROTO_TCP)
	if errno != 0 {
		t.Fatal(errno)
	}
	d := int(f.files[int(fd)])
	if flags, _ := unix.FcntlInt(uintptr(d), unix.F_GETFL, 0); flags&unix.O_NONBLOCK == 0 {
		t.Error("SOCK_NONBLOCK was lost")
	}
	if _, err := unix.Write(d, []byte("x")); err != unix.ENOTCONN {
		t.Errorf("write to a dummy = %v; want ENOTCONN", err)
	}
	if err := unix.Sendto(d, []byte("x"), unix.MSG_FASTOPEN, &unix.SockaddrInet4{Port: 1}); err == nil {
		t.Error("MSG_FASTOPEN on a dummy = nil; want an error")
	}
	for name, args := range map[string][]any{
		"SO_ERROR": {int(fd), unix.SOL_SOCKET, unix.SO_ERROR, make([]byte, 4), []byte{4, 0, 0, 0}},
		"SO_TYPE":  {int(fd), unix.SOL_SOCKET, unix.SO_TYPE, make([]byte, 4), []byte{4, 0, 0, 0}},
	} {
		if _, errno := f.call(b, unix.SYS_GETSOCKOPT, args...); errno != 0 {
			t.Errorf("getsockopt(%s) = %v; want 0", name, errno)
		}
	}
	unixAddress := append([]byte{unix.AF_UNIX, 0}, "/run/systemd/private\x00"...)
	for _, address := range [][]byte{unixAddress, {0, 0}, {16, 0, 0, 0, 0, 0, 0, 0}} {
		if _, errno := f.call(b, unix.SYS_CONNECT, int(fd), address, len(address)); errno != unix.EACCES {
			t.Errorf("connect(% x) = %v; want EACCES", address, errno)
		}
	}
	for _, call := range []int{unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT, unix.SYS_SENDMSG, unix.SYS_RECVMMSG, unix.SYS_SOCKETPAIR} {
		if _, errno := f.call(b, call, int(fd), 0, 0); errno != unix.EPERM {
			t.Errorf("call %d on a dummy = %v; want EPERM", call, errno)
		}
	}
}

// TestOtherSockets: what is not the broker's stays as it is, whoever asks.
func TestOtherSockets(t *testing.T) {
	at := server(t)
	b := newBroker(t, Options{Decide: allowAll, Network: &Network{Grants: []string{at.String()}}})
	f := newFake(t)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
	must(t, err)
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	control, err := f.Inject(Descriptor(pair[0]), true)
	must(t, err)
	file := f.hold("/dev/null", unix.O_RDONLY)
	address := sockaddr(at.String())
	for name, fd := range map[string]int{"the control socket": control, "a file": file} {
		if _, errno := f.call(b, unix.SYS_CONNECT, fd, address, len(address)); errno != unix.ENOTSOCK {
			t.Errorf("connect of %s = %v; want ENOTSOCK", name, errno)
		}
		if _, errno := f.call(b, unix.SYS_IOCTL, fd, fionbio, []byte{1, 0, 0, 0}); errno != unix.EPERM {
			t.Errorf("FIONBIO of %s = %v; want EPERM", name, errno)
		}
		if _, errno := f.call(b, unix.SYS_FCNTL, fd, unix.F_SETFL, unix.O_NONBLOCK); errno != unix.EPERM {
			t.Errorf("F_SETFL of %s = %v; want EPERM", name, errno)
		}
	}
	if flags, _ := unix.FcntlInt(uintptr(pair[0]), unix.F_GETFL, 0); flags&unix.O_NONBLOCK != 0 {
		t.Error("the control socket does not block any more")
	}
}

// TestCloseBreaksOff: a connection that takes its time does not hold Close.
func TestCloseBreaksOff(t *testing.T) {
	started := make(chan struct{})
	b, err := New(Options{Decide: allowAll, Network: &Network{Grants: []string{"a.example:1"}, Timeout: time.Minute,
		Resolve: func(ctx context.Context, _ string) ([]netip.Addr, error) {
			close(started)
			<-ctx.Done()
			return nil, errors.New("broken off")
		}}})
	must(t, err)
	f := newFake(t)
	fd, _ := f.call(b, unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0)
	answered := make(chan unix.Errno)
	go func() {
		address := sockaddr("198.18.0.1:1")
		_, errno := f.call(b, unix.SYS_CONNECT, int(fd), address, len(address))
		answered <- errno
	}()
	<-started
	must(t, b.Close())
	if errno := <-answered; errno != unix.EHOSTUNREACH {
		t.Errorf("connect that was broken off = %v; want EHOSTUNREACH", errno)
	}
	if a := f.answer(b, unix.SYS_GETCWD, make([]byte, 10), 10); !a.Gone {
		t.Errorf("a call after Close = %+v; want Gone", a)
	}
}

func TestReadGrants(t *testing.T) {
	for _, bad := range []string{"", "host", "*.example.com:443", "a b:1", "a\n10.0.0.1 b:1", "host:1:2", "[::1]", "-é:1"} {
		if _, err := New(Options{Network: &Network{Grants: []string{bad}}}); err == nil {
			t.Errorf("New with the grant %q = nil; want an error", bad)
		}
	}
	n, err := readGrants([]string{"b.example:1", "A.example:2", "a.example:3", "10.0.0.1:5", "[2001:db8::1]:6"})
	must(t, err)
	if got, want := n.files()["/etc/hosts"], "198.18.0.1 a.example\n198.18.0.2 b.example\n"; got != want {
		t.Errorf("/etc/hosts = %q; want %q", got, want)
	}
	for at, want := range map[string]string{
		"198.18.0.1:7": "a.example:7", "198.18.0.3:7": "198.18.0.3:7", "[2001:db8::1]:6": "[2001:db8::1]:6",
	} {
		if got, _ := n.target(netip.MustParseAddrPort(at)); got != want {
			t.Errorf("target(%s) = %q; want %q", at, got, want)
		}
	}
}
