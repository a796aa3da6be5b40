"""The line: this process's own way to a model's sandbox.

A call over it wakes two processes instead of three. What the supervisor does in
other calls is done here: results are copied out of the sandbox's reach, and
checked as hostile bytes are. Whatever is no good result the supervisor judges.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from typing import TYPE_CHECKING, Any, List, Optional, Tuple

from . import _codec, _memory, _results, _wire
from ._memory import Memory
from ._wire import WireError

if TYPE_CHECKING:
    from ._calls import Plan

_BEGUN = struct.Struct("<Q")
_REST = struct.Struct("<QQQQ")
_now = time.monotonic_ns

_SENDING = socket.MSG_NOSIGNAL | socket.MSG_DONTWAIT

# A struct timeval: 2 ms.
_A_MOMENT = struct.pack("ll", 0, 2000)

# For how many nanoseconds a thread looks for an answer before it sleeps, and
# how many calls a look in vain leaves out at most.
_LOOK, _MOST_OUT = 40_000, 256
_PROCESSORS = len(os.sched_getaffinity(0))

# Results of this size and more are left to the supervisor, which keeps the
# memory for them: fresh pages cost five times the copy.
LARGE = 128 << 10

# The frame of a model that gives one float, up to its eight bytes.
_HEADER = _wire.HEADER.pack(_wire.RESULT, _wire.VERSION, 0)
_FLOAT = _HEADER + struct.pack("<II6sB", 1, 6, b"result", _codec.FLOAT)
_get_float = struct.Struct("<d").unpack_from


class Unusable(Exception):
    """A call over the line brought no good result: what came, or for how many nanoseconds nothing did."""

    def __init__(self, frame: bytes, late: int = 0) -> None:
        super().__init__(frame, late)
        # What is larger than a frame is malformed in any case.
        self.frame, self.late = frame[: _wire.MAX_FRAME - 64], late


class Line:
    """This process's end. It belongs to the thread of the call."""

    def __init__(self, fds: "List[int]", meter: Memory, size: int, timeout: int, live: bool) -> None:
        """Takes over the descriptors of the sandbox's socket and its output. WireError if they are none."""
        self._meter, self.timeout, self._live = meter, timeout, live
        self._begun = self._ran = self._in = self._out = 0
        self._last: Tuple[bytes, Optional[_results.Checked]] = b"", None
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, fds.pop(0))
        try:
            # It blocks for the supervisor too, whose file it is; whatever the
            # host application's default is.
            self._sock.settimeout(None)
            # A receive ends by itself after a moment, as the supervisor's does.
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _A_MOMENT)
            if not fds:
                raise WireError("a line without its descriptors")
            self._output = _memory.adopt_output(fds[0], size)
        except BaseException:
            self._sock.close()
            raise
        # One byte more: a longer datagram is cut off without a word.
        self._buffer = bytearray(_wire.MAX_FRAME + 1)
        self._view = memoryview(self._buffer)
        # Where there is one processor, looking keeps the sandbox from answering.
        self._penalty, self._out_for = 1, 0 if _PROCESSORS > 1 else 1 << 62
        self._send, self._receive_into = self._sock.send, self._sock.recv_into

    def call(self, plan: "Plan", frame: bytes, limit: int) -> Any:
        """Makes one call and gives what the model returned; Unusable if it returned nothing that can be taken."""
        begin = _now()
        self._begun += 1
        _BEGUN.pack_into(self._meter, 0, self._begun)
        try:
            answer = self._exchange(frame, begin, begin + (min(limit, self.timeout) if limit else self.timeout))
            if len(answer) == 31 and answer.startswith(_FLOAT):
                return _get_float(answer, 23)[0]
            return self._take(plan, answer)
        finally:
            self._ran += _now() - begin
            self._in += plan.size
            _REST.pack_into(self._meter, 8, self._begun, self._ran, self._in, self._out)

    def _exchange(self, frame: bytes, begin: int, until: int) -> bytes:
        try:
            self._send(frame, _SENDING)
            n = self._look() or self._receive_into(self._buffer)
        except BlockingIOError:
            n = self._slowly(begin, until)
        except ConnectionResetError:
            # Once, where the sandbox ended with a frame unread.
            n = self._slowly(begin, until)
        except OSError:
            n = 0
        return bytes(self._view[:n])

    def _look(self) -> int:
        """Looks for the answer a moment before this thread sleeps; gives its length, 0 if it did not come.

        To be woken costs more than all else of a short call. A look in vain takes
        a processor from somebody, perhaps from the sandbox: further ones are left
        out for a while, ever longer.
        """
        if self._out_for:
            self._out_for -= 1
            return 0
        until = _now() + _LOOK
        while _now() < until:
            try:
                n = self._receive_into(self._buffer, 0, socket.MSG_DONTWAIT)
            except BlockingIOError:
                continue
            self._penalty = 1
            return n
        self._penalty = self._out_for = min(2 * self._penalty, _MOST_OUT)
        return 0

    def _slowly(self, begin: int, until: int) -> int:
        """Waits for an answer that does not come at once."""
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        while True:
            left = until - _now()
            if left > 0:
                poll.poll(left // 10**6 + 1)
            try:
                return self._receive_into(self._buffer, 0, socket.MSG_DONTWAIT)
            except (BlockingIOError, ConnectionResetError):
                if left <= 0:
                    raise Unusable(b"", max(1, _now() - begin)) from None
            except OSError:
                return 0

    def _take(self, plan: "Plan", answer: bytes) -> Any:
        known, checked = self._last
        if checked is None or answer != known:
            if not answer.startswith(_HEADER):
                raise Unusable(answer)
            try:
                d = _wire.Decoder(answer[_wire.HEADER.size :])
                values = d.args()
                d.done()
                checked = _results.check(values, 1, len(self._output))
                _results.check_apart(checked)
            except WireError:
                raise Unusable(answer) from None
            self._last = answer, checked
        size = checked.end - checked.begin
        self._out += checked.bytes
        if self._live and checked.arrays:
            return _results.live(checked, self._output)
        # Copied once, and looked at there: the model may go on writing.
        data = self._output[checked.begin : checked.end] if size > 0 else b""
        if size >= LARGE:
            plan.call = None
        try:
            return _results.made(checked, data)
        except WireError:
            raise Unusable(answer) from None

    def close(self) -> None:
        self._sock.close()
