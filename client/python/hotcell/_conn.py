"""One conversation with the supervisor: frames over a SOCK_SEQPACKET socket."""

from __future__ import annotations

import array
import os
import socket
import threading
from typing import Optional, Sequence, Tuple

from . import _wire
from ._wire import WireError

_ROOM = socket.CMSG_LEN(8)  # no frame of the supervisor's brings more than two descriptors
_NOSIGNAL = socket.MSG_NOSIGNAL
_CLOEXEC = socket.MSG_CMSG_CLOEXEC
_HEADER = _wire.HEADER.size


class Gone(Exception):
    """The conversation has ended."""


class Conn:
    """This process's end. Any thread may send; receive belongs to one at a time."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.settimeout(None)  # whatever the host application's default is
        # A descriptor that is closed under a send could be another file's by
        # the time the kernel looks at it.
        self._sending = threading.Lock()
        self._in = bytearray(_wire.MAX_FRAME)
        self._view = memoryview(self._in)
        self._buffers = [self._in]
        self.second: Optional[int] = None
        """The other descriptor of the frame that was received last, if that was ATTACHED; whoever takes it closes it."""

    def send(self, frame: bytes, fds: Sequence[int] = ()) -> None:
        """Writes one frame, with descriptors if there are any; the caller keeps them. Gone at the end."""
        try:
            with self._sending:
                if fds:
                    rights = array.array("i", fds).tobytes()
                    self.sock.sendmsg([frame], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)], _NOSIGNAL)
                else:
                    self.sock.send(frame, _NOSIGNAL)
        except OSError as e:
            raise Gone(str(e)) from None

    def receive(self) -> Tuple[int, int, bytes, Optional[int]]:
        """Waits for one frame: (type, sequence, payload, descriptor or None). The caller owns the descriptor.

        Gone at the end, WireError for what is no frame.
        """
        try:
            n, ancillary, flags, _ = self.sock.recvmsg_into(self._buffers, _ROOM, _CLOEXEC)
        except ConnectionResetError:
            # The supervisor ended with frames unread. The kernel says so once;
            # then comes what it had sent before, and then the end.
            return self.receive()
        except OSError as e:
            raise Gone(str(e)) from None
        fds = _descriptors(ancillary) if ancillary else []
        try:
            if n == 0:
                raise Gone("the conversation ended")
            if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
                raise WireError("a frame that is too large, or with more than two descriptors")
            if n < _HEADER:
                raise WireError(f"{n} bytes, which are no header")
            kind, version, seq = _wire.HEADER.unpack_from(self._in)
            if version != _wire.VERSION:
                raise WireError(f"protocol version {version}; this client speaks {_wire.VERSION}")
            if len(fds) > 1:
                if kind != _wire.ATTACHED:
                    raise WireError(f"two descriptors with message {kind}")
                self.second = fds[1]
            return kind, seq, bytes(self._view[_HEADER:n]), fds[0] if fds else None
        except BaseException:
            for fd in fds:
                os.close(fd)
            raise

    def both(self, fd: Optional[int]) -> "list[int]":
        """The descriptors of a frame whose first one this is, for the caller to close."""
        fds = [n for n in (fd, self.second) if n is not None]
        self.second = None
        return fds

    def drop(self, fd: Optional[int]) -> None:
        """Closes them."""
        for n in self.both(fd):
            os.close(n)

    def close(self) -> None:
        """Ends the conversation. Nobody may be receiving."""
        with self._sending:
            self.sock.close()

    def forget(self) -> None:
        """Closes a forked child's copy; the lock may be held by a thread that the child does not have."""
        self.sock.close()


def _descriptors(ancillary: "list[Tuple[int, int, bytes]]") -> "list[int]":
    """The descriptors that came: there is room for two."""
    fds = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) // 4 * 4])
    return list(fds)
