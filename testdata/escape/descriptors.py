# run: --module ctypes --max-operations 500
# exit: 0
# stdout: (?m)^open: 0 1 2 3 4$
# stdout: (?m)^recvmsg: no descriptor waits$
# stdout: (?m)^sendmsg SCM_RIGHTS: EPERM$
# stdout: (?m)^\d+ attempts, nothing gained$
# refused: socket sendmsg
# refused: socket setsockopt
# refused: syscall fcntl
# refused: syscall ioctl
# refused: syscall pidfd_getfd
"""What is open is standard streams and one socket, and they are good for nothing more."""

import ctypes
import errno
import os
import stat
import struct

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
F_DUPFD, F_GETFD, F_GETFL = 0, 1, 3
attempts = 0


def call(number, *args):
    ctypes.set_errno(0)
    args = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    return libc.syscall(ctypes.c_long(number), *args), errno.errorcode.get(ctypes.get_errno(), "0")


def refused(what, number, *args):
    global attempts
    attempts += 1
    result, code = call(number, *args)
    print(f"{what}: {code}")
    assert result == -1, f"{what} gave {result}"


def opened():
    found = []
    for fd in range(1024):
        if call(72, fd, F_GETFD)[0] != -1:
            found.append(fd)
    return found


def fstat(fd):
    """struct stat by the call that has no path."""
    data = ctypes.create_string_buffer(144)
    assert call(5, fd, data)[0] == 0
    return data.raw


class Message(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("name_size", ctypes.c_uint32), ("iov", ctypes.c_void_p), ("iov_count", ctypes.c_size_t)]
    _fields_ += [("control", ctypes.c_void_p), ("control_size", ctypes.c_size_t), ("flags", ctypes.c_int)]


def message(control=b""):
    data = ctypes.create_string_buffer(64)
    iov = (ctypes.c_size_t * 2)(ctypes.addressof(data), 64)
    rights = ctypes.create_string_buffer(control or 256, 256)
    m = Message(None, 0, ctypes.addressof(iov), 1, ctypes.addressof(rights), len(control) or 256, 0)
    m.keep = data, iov, rights
    return m


def model():
    print("open:", *opened())
    assert opened() == [0, 1, 2, 3, 4], opened()
    kinds = [stat.S_IFMT(struct.unpack_from("I", fstat(fd), 24)[0]) for fd in range(5)]
    assert kinds == [stat.S_IFCHR, stat.S_IFIFO, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFSOCK], kinds
    assert struct.unpack_from("Q", fstat(0), 40)[0] == os.makedev(1, 3), "0 is not /dev/null"
    access = [call(72, fd, F_GETFL)[0] & os.O_ACCMODE for fd in range(5)]
    assert access[:3] == [os.O_RDONLY, os.O_WRONLY, os.O_WRONLY], access
    for fd in 1, 2:
        assert call(0, fd, ctypes.create_string_buffer(8), 8) == (-1, "EBADF"), "the output can be read"
    assert call(1, 0, b"x", 1) == (-1, "EBADF")
    print("recvmsg:", "no descriptor waits" if call(47, 3, ctypes.byref(message()), 0x40) == (-1, "EAGAIN") else "?")

    rights = struct.pack("@QiiI", 20, 1, 1, 0)
    refused("sendmsg SCM_RIGHTS", 46, 3, ctypes.byref(message(rights)), 0)
    refused("sendmsg", 46, 3, ctypes.byref(message()), 0)
    refused("sendmmsg", 307, 3, ctypes.byref(message()), 1, 0)
    refused("recvmmsg", 299, 3, ctypes.byref(message()), 1, 0x40, 0)
    refused("sendto an address", 44, 3, b"x", 1, 0, b"\1\0\0x", 4)
    refused("sendto MSG_OOB", 44, 3, b"x", 1, 1, 0, 0)
    refused("sendto MSG_FASTOPEN", 44, 3, b"x", 1, 0x20000000, 0, 0)
    refused("recvfrom MSG_OOB", 45, 3, ctypes.create_string_buffer(8), 8, 0x41, 0, 0)
    refused("recvfrom MSG_ERRQUEUE", 45, 3, ctypes.create_string_buffer(8), 8, 0x2040, 0, 0)
    refused("connect", 42, 3, b"\1\0\0x", 4)
    refused("bind", 49, 3, b"\1\0\0x", 4)
    refused("listen", 50, 3, 1)
    refused("accept", 43, 3, 0, 0)
    refused("accept4", 288, 3, 0, 0, 0)
    refused("getsockname", 51, 3, ctypes.create_string_buffer(128), ctypes.create_string_buffer(b"\x80", 4))
    refused("getpeername", 52, 3, ctypes.create_string_buffer(128), ctypes.create_string_buffer(b"\x80", 4))
    refused("getsockopt SO_PEERCRED", 55, 3, 1, 17, ctypes.create_string_buffer(12), ctypes.create_string_buffer(b"\x0c", 4))
    refused("getsockopt SO_PEERPIDFD", 55, 3, 1, 77, ctypes.create_string_buffer(4), ctypes.create_string_buffer(b"\x04", 4))
    refused("setsockopt SO_PASSCRED", 54, 3, 1, 16, b"\1\0\0\0", 4)
    refused("setsockopt SO_ATTACH_FILTER", 54, 3, 1, 26, b"\0" * 16, 16)
    refused("shutdown", 48, 3, 2)
    for fd in range(4):
        for name, command, value in [
            ("F_SETFL O_ASYNC", 4, 0x2000), ("F_SETFL O_NONBLOCK", 4, 0x800), ("F_SETOWN", 8, 1), ("F_SETOWN_EX", 15, 0), ("F_GETOWN", 9, 0),
            ("F_SETSIG", 10, 9), ("F_SETLEASE", 1024, 1), ("F_NOTIFY", 1026, 1), ("F_SETPIPE_SZ", 1031, 1 << 20), ("F_GETPIPE_SZ", 1032, 0),
            ("F_ADD_SEALS", 1033, 8), ("F_SETLK", 6, 0), ("F_OFD_SETLK", 37, 0), ("F_SET_RW_HINT", 1036, 0), ("F_DUPFD_QUERY", 1027, 1),
        ]:
            refused(f"fcntl {name} of {fd}", 72, fd, command, value)
        for name, command in ("FIOASYNC", 0x5452), ("FIOSETOWN", 0x8901), ("TIOCSTI", 0x5412), ("TIOCLINUX", 0x541C), ("NS_GET_PARENT", 0xB702):
            refused(f"ioctl {name} of {fd}", 16, fd, command, ctypes.create_string_buffer(64))
        refused(f"ioctl SIOCGSKNS of {fd}", 16, fd, 0x894C, 0)
        refused(f"io_uring_register of {fd}", 427, fd, 0, 0, 0)
        refused(f"epoll_ctl of {fd}", 233, fd, 1, 0, 0)
        refused(f"setns of {fd}", 308, fd, 0)
        refused(f"pidfd_getfd of {fd}", 438, fd, 0, 0)
        refused(f"fexecve of {fd}", 322, fd, b"", 0, 0, 0x1000)
    refused("epoll_create", 213, 1)
    refused("kcmp", 312, 1, 1, 0, 0, 3)
    refused("close_range unshare", 436, 900, 1000, 2)

    # Until there are no more, the table is the process's own: 256 at most.
    copies = []
    while (copy := call(32, 3)[0]) >= 0:
        copies.append(copy)
    assert call(32, 3) == (-1, "EMFILE") and copies[-1] == 255, copies[-1:]
    assert call(33, 3, 256) == (-1, "EBADF") and call(72, 3, F_DUPFD, 1 << 20)[0] == -1
    assert call(436, 5, 1 << 30, 0)[0] == 0 and opened() == [0, 1, 2, 3, 4]
    print(f"{attempts} attempts, nothing gained")
