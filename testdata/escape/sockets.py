# run: --module ctypes --module _socket --max-operations 2000
# exit: 0
# stdout: (?m)^AF_NETLINK SOCK_RAW: EPERM$
# stdout: (?m)^AF_VSOCK SOCK_STREAM: EPERM$
# stdout: (?m)^\d+ attempts, nothing gained$
# refused: socket socket
# refused: socket socketpair
# refused: connect .*127.0.0.1.*
# refused: connect family 1
"""No socket of any family, type and protocol; the one that is there stays as it is."""

import _socket
import ctypes
import errno

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
FAMILIES = {name: value for name, value in vars(_socket).items() if name.startswith("AF_")}
TYPES = {"SOCK_STREAM": 1, "SOCK_DGRAM": 2, "SOCK_RAW": 3, "SOCK_SEQPACKET": 5, "SOCK_PACKET": 10}
LOOPBACK = b"\2\0\0\x16\x7f\0\0\1" + bytes(8)
ABSTRACT = b"\1\0\0/run/systemd/private"
PATHS = b"\1\0/run/dbus/system_bus_socket\0", b"\1\0/var/run/docker.sock\0", b"\1\0/run/hotcell/hotcell.sock\0"
attempts = 0


def refused(what, number, *args):
    global attempts
    attempts += 1
    ctypes.set_errno(0)
    args = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    result, code = libc.syscall(ctypes.c_long(number), *args), ctypes.get_errno()
    if what:
        print(f"{what}: {errno.errorcode.get(code, code)}")
    assert result == -1 and code, f"{what} gave {result}"


def python(what, function, *args):
    global attempts
    attempts += 1
    try:
        got = function(*args)
    except OSError as e:
        print(f"{what}: {errno.errorcode.get(e.errno, e)}")
    else:
        raise AssertionError(f"{what} gave {got!r}")


def model():
    for family, number in FAMILIES.items():
        for kind, value in TYPES.items():
            refused(f"{family} {kind}", 41, number, value, 0)
    for number in range(64):  # those that Python has no name for too
        for protocol in 0, 1, 6, 17, 255:
            refused("", 41, number, 0x80803, protocol)
        refused("", 53, number, 1, 0, ctypes.create_string_buffer(8))
    python("socket", _socket.socket)
    python("socketpair", _socket.socketpair)
    python("getaddrinfo", _socket.getaddrinfo, b"localhost", 80)
    python("gethostname", _socket.gethostname)
    python("if_nameindex", _socket.if_nameindex)
    for fd in 0, 1, 3, 99:
        refused(f"connect {fd} to loopback", 42, fd, LOOPBACK, 16)
        refused(f"connect {fd} to an abstract one", 42, fd, ABSTRACT, len(ABSTRACT))
        for path in PATHS:
            refused(f"connect {fd} to {path[2:-1].decode()}", 42, fd, path, len(path))
        refused(f"sendto {fd}", 44, fd, b"x", 1, 0, LOOPBACK, 16)
        refused(f"bind {fd}", 49, fd, LOOPBACK, 16)
    control = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, 3)
    python("its peer", control.getpeername)
    python("its option", control.getsockopt, _socket.SOL_SOCKET, 17, 12)
    python("its message", control.sendmsg, [b"x"])
    python("blocking", control.setblocking, False)
    control.detach()
    print(f"{attempts} attempts, nothing gained")
