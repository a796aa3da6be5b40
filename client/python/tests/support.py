"""What the tests share: a supervisor for models that need none of their own, and one that lies."""

from __future__ import annotations

import array
import os
import socket
import threading
import unittest

import hotcell
from hotcell import _codec, _memory, _process, _wire
from hotcell._conn import Conn, Gone
from hotcell._wire import Decoder

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
MODELS = os.path.join(ROOT, "testdata", "models")
WIRE = os.path.join(ROOT, "testdata", "wire")

DOUBLE = "def model(x):\n    return x * 2\n"
ECHO = "def model(x):\n    return x\n"

STATE = """
import numpy as np

calls = 0


def model(*, scale=1, x=None, y=None, keep=None):
    global calls
    calls += 1
    if y is not None:
        y[:] = calls
    return {"calls": calls, "sum": 0.0 if x is None else float(np.sum(x)) * scale}
"""



def choosing(expressions):
    """A model that gives what the i-th of some expressions gives."""
    return "import math, numpy as np\n\ncases = [" + ", ".join(f"lambda: {e}" for e in expressions) + "]\n\ndef model(i):\n    return cases[i]()\n"


_shared = None


def supervisor():
    """One for all tests that do not end it."""
    global _shared
    if _shared is None:
        _shared = hotcell.start()
    return _shared


def golden(name):
    """A frame's bytes: hexadecimal digits, and comments from # to the end of a line."""
    with open(os.path.join(WIRE, name + ".hex"), encoding="utf-8") as f:
        return bytes.fromhex("".join(line.partition("#")[0] for line in f))


def descriptors():
    """This process's open ones, but for the one that lists them."""
    return {fd for fd in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{fd}")}


class ModelTest(unittest.TestCase):
    """Launches models of the shared supervisor and closes them."""

    def launch(self, source, **options):
        m = supervisor().launch(source, **options)
        self.addCleanup(m.close)
        return m


class FakeProcess:
    """In the place of a supervisor's process."""

    pid, returncode = 0, None

    def wait(self, timeout=None):
        return 0

    def kill(self):
        pass


class Fake:
    """A supervisor of the test's own making: script(model's conversation) plays its part for each launch."""

    def __init__(self, test, script, greeting=None):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs.settimeout(30)
        said = os.memfd_create("said")
        self.threads = []
        original = _process.start, _process.find
        _process.start = lambda binary: (FakeProcess(), Conn(ours), said)
        _process.find = lambda binary: "fake"
        main = threading.Thread(target=self.serve, args=(theirs, script, greeting))
        main.start()
        try:
            self.hc = hotcell.start()
            test.addCleanup(self.hc.close)
        except BaseException:
            main.join()
            raise
        finally:
            _process.start, _process.find = original
        test.addCleanup(main.join)
        test.addCleanup(self.hc.close)

    def serve(self, sock, script, greeting):
        with sock:
            sock.recv(1 << 16)
            opened = _wire.Encoder()
            opened.text("fake")
            opened.u32(0)
            sock.send(_wire.frame(_wire.OPENED, opened.payload()) if greeting is None else greeting)
            while True:
                data, fds, _, _ = socket.recv_fds(sock, 1 << 16, 130)
                if not data:
                    break
                for fd in fds[1:]:
                    os.close(fd)
                thread = threading.Thread(target=self.play, args=(Peer(fds[0]), script))
                thread.start()
                self.threads.append(thread)
            for thread in self.threads:
                thread.join()

    @staticmethod
    def play(peer, script):
        with peer.sock:
            try:
                script(peer)
            except (BrokenPipeError, ConnectionResetError, Gone):
                pass  # the client has closed it


class Peer:
    """A fake supervisor's end of one model's conversation."""

    def __init__(self, fd):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, fd)
        self.sock.settimeout(30)
        self.lines = False  # the script answers who asks for one
        self.asked = 0  # number of the last question

    def send(self, kind, payload=b"", fds=(), seq=None):
        if seq is None:
            seq = self.asked if kind in (_wire.REPLY, _wire.FAILURE, _wire.ATTACHED) else 0
        self.raw(_wire.frame(kind, payload, seq), fds)

    def raw(self, frame, fds=()):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.sock.sendmsg([frame], rights)

    def receive(self):
        """(type, sequence, payload) of one frame, Gone at the end. It has no line for who asks for one."""
        while True:
            data, fds, _, _ = socket.recv_fds(self.sock, 1 << 16, 130)
            for fd in fds:
                os.close(fd)
            if not data:
                raise Gone
            kind, _, seq = _wire.HEADER.unpack_from(data)
            if kind in (_wire.REQUEST, _wire.ATTACH, _wire.HEARD):
                self.asked = seq
            if kind != _wire.ATTACH or self.lines:
                return kind, seq, data[_wire.HEADER.size :]
            self.send(_wire.ATTACHED, attached())

    def launched(self):
        self.send(_wire.LAUNCHED)

    def want(self, kind):
        """Reads on to a frame of this type."""
        while True:
            got, seq, payload = self.receive()
            if got == kind:
                return seq, payload

    def closing(self):
        """Answers close as an honest supervisor does."""
        self.want(_wire.CLOSE)
        self.figures(b'{"verdict": "ok"}')

    def figures(self, text, size=None):
        fd = _memory.frozen(text, "report")
        e = _wire.Encoder()
        e.u64(len(text) if size is None else size)
        self.send(_wire.FIGURES, e.payload(), [fd])
        os.close(fd)


class Request:
    """One request as a supervisor reads it."""

    def __init__(self, payload):
        d = Decoder(payload)
        self.args = dict(d.args())
        self.regions = [d.region() for _ in range(d.u32())]
        self.forget, self.out, self.release, self.timeout = d.u64s(), d.args(), d.u64s(), d.u64()
        self.results = d.u8()
        d.done()


class FakeTest(unittest.TestCase):
    """Launches models of supervisors of the test's own making."""

    def model(self, script, **options):
        return Fake(self, script).hc.launch(DOUBLE, **options)

    def answering(self, *answers, then=None, **options):
        """A model whose calls get these answers: (type, payload, descriptors), or a callable with the peer; then the end."""

        def script(peer):
            peer.launched()
            for answer in answers:
                self.requests.append(Request(peer.want(_wire.REQUEST)[1]))
                if callable(answer):
                    answer(peer)
                else:
                    peer.send(*answer)
            if then is not None:
                then(peer)

        self.requests = []
        return self.model(script, **options)


class Encoder(_wire.Encoder):
    """Writes what only a supervisor does: text in a region."""

    def value(self, v, nesting=_wire.MAX_NESTING):
        if type(v) is _wire.Span:
            self.u8(_codec.SPAN)
            self.u64(v.offset)
            self.u64(v.size)
        else:
            super().value(v, nesting)


def reply(values, number=0, size=0, passed=False, forget=()):
    """A reply's payload; nothing of it need be true."""
    e = Encoder()
    e.args(values, len(values))
    e.u64(number)
    e.u64(size)
    e.u8(passed)
    e.u64s(forget)
    return e.payload()


def attached(granted=(), output=0, timeout=0):
    e = Encoder()
    e.u64s(granted)
    e.u64(output)
    e.u64(timeout)
    return e.payload()


def failure(verdict="exception", ended=False, reason="", **fields):
    e = _wire.Encoder()
    for text in (verdict, fields.get("source", "model"), reason, *(fields.get(f, "") for f in ("type", "message", "traceback", "file"))):
        e.text(text)
    e.u32(fields.get("line", 0))
    e.u8(ended)
    return e.payload()


def region(data):
    """A memory file as a supervisor keeps results in: (descriptor, mapping that writes it)."""
    memory = _memory.create(len(data))
    memory[:] = data
    return memory.shared.fd, memory
