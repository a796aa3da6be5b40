"""The frames of testdata/wire, and a socket pair to move them over."""

import array
import contextlib
import os
import socket
import sys
from unittest import mock

from _hotcell import wire

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "testdata", "wire")


# Messages from here on are between the supervisor and its clients, which the shim never sees.
CLIENTS = 32


def names():
    found = sorted(os.path.splitext(f)[0] for f in os.listdir(FOLDER))
    return [name for name in found if wire.HEADER.unpack_from(read(name))[0] < CLIENTS]


def read(name):
    """A frame's bytes: hexadecimal digits, and comments from # to the end of a line."""
    with open(os.path.join(FOLDER, name + ".hex"), encoding="utf-8") as f:
        return bytes.fromhex("".join(line.partition("#")[0] for line in f))


def decoder(name):
    """A decoder of a frame's payload."""
    return wire.Decoder(read(name)[wire.HEADER.size :])


def pair(test):
    """The shim's end as a Conn, and the supervisor's as a socket."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(10)
    test.addCleanup(ours.close)
    conn = wire.Conn(theirs.detach())
    test.addCleanup(conn.sock.close)
    return conn, ours


def receive(sock):
    """One frame, and the descriptors that came with it."""
    data, fds, _, _ = socket.recv_fds(sock, wire.MAX_FRAME, 8)
    return data, fds


def memfd(data, size=None):
    """A region's descriptor."""
    fd = os.memfd_create("test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    os.ftruncate(fd, len(data) if size is None else size)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def counting(size):
    """That many bytes, none of which is 0."""
    return bytes(i % 251 + 1 for i in range(size))


def is_open(fd):
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def without_numpy():
    """numpy as if the template had not imported it."""
    with mock.patch.dict(sys.modules):
        for name in [m for m in sys.modules if m.partition(".")[0] == "numpy"]:
            del sys.modules[name]
        yield


def rights(fds):
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
