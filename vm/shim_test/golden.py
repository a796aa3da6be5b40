"""The frames of testdata/wire, and a socket pair to move them over."""

import array
import os
import socket

from _hotcell import wire

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "testdata", "wire")


def names():
    return sorted(os.path.splitext(f)[0] for f in os.listdir(FOLDER))


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
    fd = os.memfd_create("test")
    os.write(fd, data)
    os.ftruncate(fd, len(data) if size is None else size)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def rights(fds):
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
