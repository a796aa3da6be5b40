package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// echo is a server on the loopback interface that sends back what it gets.
type echo struct {
	port     int
	accepted atomic.Int64
}

func newEcho(t *testing.T) *echo {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &echo{port: listener.Addr().(*net.TCPAddr).Port}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			e.accepted.Add(1)
			go func() {
				defer conn.Close()
				io.Copy(conn, conn)
			}()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	return e
}

// runNetwork runs a model that may import what a client needs and connect to
// these addresses.
func runNetwork(t *testing.T, model string, addresses []string, flags ...string) guestReport {
	t.Helper()
	dir := t.TempDir()
	policy := "[modules]\nallow = [\"socket\", \"ctypes\"]\n"
	for _, address := range addresses {
		policy += fmt.Sprintf("[[operation]]\nkind = \"connect\"\naddress = %q\ndecision = \"allow\"\n", address)
	}
	for name, text := range map[string]string{"policy.toml": policy, "model.py": model} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := append([]string{"run", "--json", "--policy", filepath.Join(dir, "policy.toml")}, flags...)
	cmd := exec.Command(binary, append(args, filepath.Join(dir, "model.py"))...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var r guestReport
	if jsonErr := json.Unmarshal(stdout.Bytes(), &r); jsonErr != nil {
		t.Fatalf("no report: %v, %v\n%s", jsonErr, err, stderr.Bytes())
	}
	return r
}

// operations gives the record's lines, less the files by which the C library
// finds a name: the broker's own, and allowed.
func (r guestReport) operations() (lines []string) {
	for _, o := range r.Operations {
		if !(o.Decision == "allow" && strings.HasPrefix(o.Target, "/etc/")) {
			lines = append(lines, o.Kind+" "+o.Target+" "+o.Decision)
		}
	}
	return lines
}

// TestNetwork: a granted address is reached by number and by name, no other
// is, and the record shows the connections and nothing else.
func TestNetwork(t *testing.T) {
	granted, other := newEcho(t), newEcho(t)
	r := runNetwork(t, fmt.Sprintf(`
import errno
import socket


def attempt(*address):
    try:
        with socket.create_connection(address, timeout=5) as s:
            s.sendall(b"hello")
            print(address[0], s.recv(5).decode())
    except OSError as e:
        print(address[0], errno.errorcode.get(e.errno, "no such name"))


def model():
    attempt("127.0.0.1", %[1]d)
    attempt("localhost", %[1]d)
    attempt("127.0.0.1", %[2]d)
    attempt("localhost", %[2]d)
    attempt("www.example.org", %[2]d)
`, granted.port, other.port), []string{fmt.Sprintf("127.0.0.1:%d", granted.port), fmt.Sprintf("localhost:%d", granted.port)})
	want := "127.0.0.1 hello\nlocalhost hello\n127.0.0.1 EPERM\nlocalhost EPERM\nwww.example.org no such name\n"
	if r.Verdict != "ok" || r.Stdout != want {
		t.Errorf("%s: %s, the model printed\n%s\nwant\n%s", r.Verdict, r.Reason, r.Stdout, want)
	}
	operations := []string{
		fmt.Sprintf("connect 127.0.0.1:%d allow", granted.port), fmt.Sprintf("connect localhost:%d allow", granted.port),
		fmt.Sprintf("connect 127.0.0.1:%d deny", other.port), fmt.Sprintf("connect localhost:%d deny", other.port),
	}
	if got := r.operations(); !slices.Equal(got, operations) {
		t.Errorf("the record has %q; want %q", got, operations)
	}
	if n, m := granted.accepted.Load(), other.accepted.Load(); n != 2 || m != 0 {
		t.Errorf("%d connections to the granted server and %d to the other; want 2 and 0", n, m)
	}
}

// TestEscapeNetwork: a socket is connected by connect alone, to what was
// granted, and with none of its options does it become anything else.
func TestEscapeNetwork(t *testing.T) {
	granted, other := newEcho(t), newEcho(t)
	r := runNetwork(t, fmt.Sprintf(`
import ctypes
import errno
import socket
import struct
import threading

libc = ctypes.CDLL(None, use_errno=True)
GRANTED, OTHER = ("127.0.0.1", %d), ("127.0.0.1", %d)
attempts = 0


def refused(what, function, *args):
    global attempts
    attempts += 1
    try:
        got = function(*args)
    except OSError as e:
        print(f"{what}: {errno.errorcode.get(e.errno, e)}")
    else:
        raise AssertionError(f"{what} gave {got!r}")


def raw(what, number, *args):
    ctypes.set_errno(0)
    args = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]

    def call():
        if libc.syscall(ctypes.c_long(number), *args) == -1:
            raise OSError(ctypes.get_errno(), "")

    refused(what, call)


def sockaddr(address, family=2):
    return struct.pack("=HH4s8x", family, socket.htons(address[1]), socket.inet_aton(address[0]))


OPTIONS = [  # level, name, value
    (1, 25, b"lo\0"), (1, 36, 1), (1, 15, 1), (1, 2, 1), (1, 26, struct.pack("=HxxxxxxQ", 0, 0)), (0, 4, bytes(4)), (0, 1, 16), (0, 19, 1), (0, 11, 1),
    (6, 30, 1), (6, 23, 5), (6, 19, 1), (6, 31, b"tls\0"), (6, 13, b"reno\0"), (6, 9, 1), (6, 38, 1), (41, 26, 0), (41, 50, bytes(4)), (1, 7, 1 << 30),
]  # fmt: skip


def attack(name, s, connected):
    fd = s.fileno()
    for to in sockaddr(GRANTED), sockaddr(OTHER), struct.pack("=HH4x", 10, socket.htons(OTHER[1])) + bytes(15) + b"\1" + bytes(4):
        for what, flags in ("sendto", 0), ("fast open", 0x20000000):
            raw(f"{name} {what}", 44, fd, b"x", 1, flags, to, len(to))
        refused(f"{name} sendmsg", s.sendmsg, [b"x"], [], socket.MSG_FASTOPEN)
        raw(f"{name} bind", 49, fd, to, len(to))
    refused(f"{name} out of band", s.send, b"x", socket.MSG_OOB)
    raw(f"{name} disconnect", 42, fd, sockaddr(OTHER, 0), 16)
    raw(f"{name} to the other", 42, fd, sockaddr(OTHER), 16)
    for level, option, value in OPTIONS:
        refused(f"{name} option {level} {option}", s.setsockopt, level, option, value)
    refused(f"{name} listen", s.listen)
    raw(f"{name} accept", 43, fd, 0, 0)
    raw(f"{name} accept4", 288, fd, 0, 0, 0)
    raw(f"{name} SIOCSIFADDR", 16, fd, 0x8916, bytes(40))
    raw(f"{name} SIOCGIFCONF", 16, fd, 0x8912, bytes(16))
    raw(f"{name} SCM_RIGHTS", 46, fd, bytes(56), 0)
    raw(f"{name} sendmmsg", 307, fd, bytes(64), 1, 0x20000000)
    raw(f"{name} splice", 275, fd, 0, fd, 0, 1, 0)
    raw(f"{name} F_SETOWN", 72, fd, 8, 1)
    if not connected:
        refused(f"{name} send", s.send, b"x")
        refused(f"{name} recv", s.recv, 1)


def flip(address):
    while not done:
        for to in OTHER, GRANTED:
            ctypes.memmove(address, sockaddr(to), 16)


done = False


def model():
    global done
    attack("unconnected", socket.socket(), False)
    attack("IPv6", socket.socket(socket.AF_INET6), False)
    s = socket.create_connection(GRANTED, timeout=5)
    attack("connected", s, True)
    s.sendall(b"still")
    assert s.recv(5) == b"still" and s.getpeername() == GRANTED and s.getsockname()[1] == 0

    # The address changes while it is read.
    address = ctypes.create_string_buffer(sockaddr(GRANTED), 16)
    other = threading.Thread(target=flip, args=(ctypes.addressof(address),))
    other.start()
    got = {}
    for _ in range(1000):
        d = socket.socket()
        code = 0 if libc.connect(d.fileno(), address, 16) == 0 else ctypes.get_errno()
        got[code] = got.get(code, 0) + 1
        assert code or d.getpeername() == GRANTED
        d.close()
    done = True
    other.join()
    assert got.get(0) and got.get(errno.EPERM), got
    print(f"{attempts} attempts and {sum(got.values())} connects, one server reached")
`, granted.port, other.port), []string{fmt.Sprintf("127.0.0.1:%d", granted.port)}, "--max-operations", "20000", "--timeout", "20s")
	if r.Verdict != "ok" || !strings.Contains(r.Stdout, " attempts and 1000 connects, one server reached\n") {
		t.Errorf("%s: %s %+v\n%s", r.Verdict, r.Reason, r.Error, r.Stdout)
	}
	for _, want := range []string{"unconnected fast open: EPERM\n", "connected to the other: EPERM\n", "connected option 6 30: ENOPROTOOPT\n"} {
		if !strings.Contains(r.Stdout, want) {
			t.Errorf("the model did not print %q:\n%s", want, r.Stdout)
		}
	}
	if n, m := granted.accepted.Load(), other.accepted.Load(); n == 0 || m != 0 {
		t.Errorf("%d connections to the granted server and %d to the other; want some and none", n, m)
	}
}

// full is a port of the loopback interface where a connection is neither made
// nor refused: its queue is full.
func full(t *testing.T) int {
	t.Helper()
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(listener) })
	loopback := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if err := unix.Bind(listener, loopback); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(listener, 0); err != nil {
		t.Fatal(err)
	}
	bound, err := unix.Getsockname(listener)
	if err != nil {
		t.Fatal(err)
	}
	at := bound.(*unix.SockaddrInet4)
	for range 4 {
		s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(s) })
		if err := unix.Connect(s, at); err != nil && err != unix.EINPROGRESS {
			t.Fatal(err)
		}
	}
	return at.Port
}

// TestEscapeSlow: a model that waits for a connection goes on in its other
// threads, returns or dies in the middle of it, and holds nobody.
func TestEscapeSlow(t *testing.T) {
	port := full(t)
	start := fmt.Sprintf(`
import ctypes
import os
import socket
import threading
import time


def wait():
    try:
        socket.create_connection(("127.0.0.1", %d))
    except OSError as e:
        print(e)


def model():
    threads = [threading.Thread(target=wait, daemon=True) for _ in range(5)]
    for t in threads:
        t.start()
    time.sleep(0.2)
    for _ in range(100):
        try:
            os.stat("/nothing")
        except OSError:
            pass
    assert all(t.is_alive() for t in threads)
    print("five wait", flush=True)
`, port)
	for _, test := range []struct{ name, end, verdict string }{
		{"returns", "    return 1\n", "ok"},
		{"crashes", "    ctypes.string_at(0)\n", "crash"},
		{"waits", "    threads[0].join()\n", "wall-time-limit"},
		{"exits", "    os._exit(3)\n", "crash"},
	} {
		r := runNetwork(t, start+test.end, []string{fmt.Sprintf("127.0.0.1:%d", port)}, "--timeout", "3s")
		if r.Verdict != test.verdict || r.Stdout != "five wait\n" {
			t.Errorf("a model that %s: %s: %s %+v\n%s\nwant %s", test.name, r.Verdict, r.Reason, r.Error, r.Stdout, test.verdict)
		}
	}
}
