"""The line: calls past the supervisor, and a sandbox that lies over it."""

import gc
import os
import signal
import socket
import struct
import threading
import unittest

import hotcell
import numpy as np
import support
from hotcell import _codec, _line, _memory, _wire
from hotcell._wire import Ref, Span

SIZE = 1 << 20

RESIDENT = """
import os, sys, time
import numpy as np

calls = 0


def model(x=None, do="", n=1):
    global calls
    calls += 1
    if do == "raise":
        raise ValueError("no")
    if do == "sleep":
        time.sleep(60)
    if do == "spin":
        while True:
            pass
    if do == "die":
        os.kill(os.getpid(), 9)
    if do == "array":
        return np.arange(n, dtype="f8")
    if do == "text":
        return "y" * n
    if do == "many":
        return {"a": np.ones(3), "b": "x" * 20000, "c": n, "d": None}
    if do == "object":
        return object()
    return float(calls if x is None else x.sum())
"""


class Over(support.ModelTest):
    """Calls of a real model. After the third equal one they go over the line."""

    def line(self, **options):
        m = self.launch(RESIDENT, **options)
        for _ in range(3):
            m(do="", n=1)
        self.assertIsNotNone(m._plan.call, "no line")
        return m

    def past(self, m, **inputs):
        """A call that the supervisor does not see."""
        asked = m._asked
        try:
            return m(**inputs)
        finally:
            self.assertEqual(m._asked, asked)

    def test_results(self):
        m = self.line()
        self.assertEqual(self.past(m, do="", n=2), 4.0)
        np.testing.assert_array_equal(self.past(m, do="array", n=5), np.arange(5.0))
        self.assertEqual(self.past(m, do="text", n=50000), "y" * 50000)
        self.assertEqual(self.past(m, do="array", n=0).shape, (0,))
        got = self.past(m, do="many", n=1 << 80)
        self.assertEqual((got["b"], got["c"], got["d"], got["a"].tolist()), ("x" * 20000, 1 << 80, None, [1.0] * 3))

    def test_stable(self):
        """A result does not change with the next one, nor with the model's end, and cannot be written."""
        m = self.line()
        a = self.past(m, do="array", n=4)
        b = self.past(m, do="array", n=5)
        m.close()
        np.testing.assert_array_equal(a, np.arange(4.0))
        np.testing.assert_array_equal(b, np.arange(5.0))
        with self.assertRaises(ValueError):
            a[0] = 1

    def test_inputs(self):
        """Arrays that the sandbox knows are seen as they are now; another one goes through the supervisor again."""
        m = self.launch(RESIDENT)
        x, y = support.supervisor().array(np.ones(4)), np.ones(3)
        for kind, a in (("shared", x), ("copied", y)):
            with self.subTest(kind):
                for _ in range(3):
                    m(x=a)
                a[0] = 5
                self.assertEqual(self.past(m, x=a), a.sum())
        self.assertEqual(m(x=np.ones(7)), 7.0)
        part = x[1:3]
        for _ in range(5):
            self.assertEqual(m(x=part), 2.0)

    def test_failures(self):
        """An exception over the line is the supervisor's to judge, and leaves the model usable."""
        m = self.line()
        with self.assertRaises(hotcell.ModelError) as got:
            m(do="raise", n=1)
        self.assertEqual((got.exception.type, got.exception.message, got.exception.ended), ("ValueError", "no", False))
        self.assertIn("in model", got.exception.traceback)
        with self.assertRaises(hotcell.InvalidResult):
            m(do="object", n=1)
        self.assertEqual(self.past(m, do="", n=1), 6.0)

    def test_limits(self):
        for do, options, inputs, error in (
            ("sleep", {"timeout": 1.5}, {}, hotcell.TimeLimit),
            ("sleep", {}, {"timeout": 0.2}, hotcell.TimeLimit),
            ("spin", {"cpu_time": 1.0, "timeout": 60}, {}, hotcell.TimeLimit),
            ("die", {}, {}, hotcell.Error),
        ):
            with self.subTest(do, **options, **inputs):
                m = self.launch(RESIDENT, **options)
                for _ in range(3):
                    m(do="", n=1, **inputs)
                with self.assertRaises(error) as got:
                    m(do=do, n=1, **inputs)
                self.assertTrue(got.exception.ended)
                with self.assertRaises(error):
                    m(do="", n=1)

    def test_supervisor_watches(self):
        """A client that does not mind the clock does not make a model run for longer."""
        m = self.line(timeout=0.5)
        m._line.timeout = 60 * 10**9
        with self.assertRaises(hotcell.TimeLimit):
            m(do="sleep", n=1)

    def test_large_results(self):
        """They are left to the supervisor, which has memory for them."""
        m = self.line()
        self.assertEqual(len(self.past(m, do="array", n=_line.LARGE)), _line.LARGE)
        asked = m._asked
        self.assertEqual(len(m(do="array", n=_line.LARGE)), _line.LARGE)
        self.assertGreater(m._asked, asked)

    def test_report(self):
        m = self.line()
        before = m.report.usage
        for _ in range(10):
            self.past(m, do="array", n=100)
        now = m.report.usage
        self.assertEqual(now.array_bytes_out - before.array_bytes_out, 8000)
        self.assertGreater(now.wall_seconds, before.wall_seconds)
        m.close()
        self.assertEqual(m.report.usage.array_bytes_out, now.array_bytes_out)

    def test_asked(self):
        """Whoever decides operations is in each call."""
        asked = []
        m = self.launch(
            "def model():\n    try:\n        open('/nowhere')\n    except OSError:\n        pass\n    return 1.0\n",
            on_operation=lambda o: asked.append(o.target),
        )
        for _ in range(5):
            m()
        self.assertEqual(asked, ["/nowhere"] * 5)

    def test_ends(self):
        """Cancel and close, from another thread, end a call over the line."""
        for name in ("cancel", "close"):
            with self.subTest(name):
                m = self.line()
                timer = threading.Timer(0.2, getattr(m, name))
                timer.start()
                with self.assertRaises(hotcell.Cancelled):
                    m(do="sleep", n=1)
                timer.join()

    def test_interrupt(self):
        m = self.line()
        old = signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        self.addCleanup(signal.signal, signal.SIGALRM, old)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with self.assertRaises(KeyboardInterrupt):
            m(do="sleep", n=1)
        with self.assertRaises(hotcell.Cancelled):
            m(do="", n=1)

    def test_default_timeout(self):
        """That of the host application's sockets is not the models'."""
        self.addCleanup(socket.setdefaulttimeout, socket.getdefaulttimeout())
        socket.setdefaulttimeout(0.05)
        with hotcell.start() as hc, hc.launch("import time\n\n\ndef model():\n    time.sleep(0.2)\n    return 1.0\n") as m:
            self.assertEqual([m() for _ in range(5)], [1.0] * 5)
            self.assertIsNotNone(m._plan.call)

    def test_fork(self):
        m = self.line()
        pid = os.fork()
        if pid == 0:
            try:
                m(do="", n=1)
            except hotcell.ForkedError:
                os._exit(0)
            os._exit(1)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        self.assertEqual(self.past(m, do="", n=1), 4.0)

    def test_supervisor_killed(self):
        with hotcell.start() as hc:
            m = hc.launch(RESIDENT)
            for _ in range(4):
                m()
            os.kill(hc._process.pid, signal.SIGKILL)
            with self.assertRaises(hotcell.SupervisorLost):
                while True:
                    m()

    def test_descriptors(self):
        """All are given back, also of a model that nobody closed."""
        gc.collect()
        before = support.descriptors()
        for _ in range(3):
            m = self.line()
            m.close()
            m = support.supervisor().launch(RESIDENT)
            for _ in range(4):
                m()
            del m
        self.doCleanups()
        gc.collect()
        self.assertLessEqual(support.descriptors(), before)


class Sandbox:
    """A hostile one's end of a line."""

    def __init__(self, peer, sock, memory):
        self.peer, self.sock, self.memory = peer, sock, memory

    def send(self, frame, fds=()):
        self.sock.sendmsg([frame], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack(f"{len(fds)}i", *fds))] if fds else [])


class Lies(support.FakeTest):
    def attached(self, script, size=SIZE, seals=None, timeout=10**10, granted=()):
        """A model of which the third call goes over a line, whose sandbox is script's."""

        def play(peer):
            peer.lines = True
            peer.launched()
            for _ in range(2):
                peer.want(_wire.REQUEST)
                peer.send(_wire.REPLY, support.reply([("result", 1.0)]))
            peer.want(_wire.ATTACH)
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with ours:
                ours.settimeout(30)
                memory = _memory.create(SIZE) if seals is None else None
                fd = memory.shared.fd if seals is None else seals
                peer.send(_wire.ATTACHED, support.attached(granted, size, timeout), [theirs.fileno(), fd])
                theirs.close()
                script(Sandbox(peer, ours, memory))
            peer.closing()

        self.heard = None
        return self.model(play)

    def hear(self, s, verdict="invalid-result"):
        payload = s.peer.want(_wire.HEARD)[1]
        d = _wire.Decoder(payload)
        self.heard = d.blob(), d.u64()
        d.done()
        s.peer.send(_wire.FAILURE, support.failure(verdict, True))

    def refused(self, act, **line):
        """What the sandbox sends is no result, and goes to the supervisor as it came."""
        sent = []

        def script(s):
            s.sock.recv(1 << 16)
            sent.append(act(s))
            self.hear(s)

        m = self.attached(script, **line)
        m(), m()
        with self.assertRaises(hotcell.InvalidResult):
            m()
        m.close()
        return sent[0]

    def test_call(self):
        """It is the frame that a supervisor sends."""
        frames = []

        def script(s):
            frames.append(s.sock.recv(1 << 16))
            s.send(result([("result", 2.0)]))

        m = self.attached(script)
        m(), m()
        self.assertEqual(m(), 2.0)
        self.assertEqual(frames[0], _wire.frame(_wire.CALL, struct.pack("<IIII", 0, 0, 0, 0)))

    def test_forged(self):
        one = ("a", Ref("<f8", (8,), 0))
        for name, frame in {
            "nothing": b"\x16",
            "another version": b"\x16\0\2\0\0\0\0\0\0\0\0\0",
            "a sequence": _wire.frame(_wire.RESULT, support.reply([])[:4], 7),
            "an exception": support.golden("exception"),
            "a call": support.golden("call"),
            "a reply": support.golden("reply"),
            "half a result": result([one])[:-1],
            "more than a result": result([one]) + b"\0",
            "a list": _wire.frame(_wire.RESULT, struct.pack("<I", 1) + b"\1\0\0\0a" + bytes([_codec.LIST]) + bytes(4)),
            "beyond the output": result([("a", Ref("<f8", (SIZE // 8 + 1,), 0))]),
            "an overflow": result([("a", Ref("<f8", (1 << 62, 4), 0))]),
            "before the output": result([("a", Ref("<f8", (1,), -64))]),
            "not aligned": result([("a", Ref("<f8", (1,), 8))]),
            "a negative shape": result([("a", Ref("<f8", (-1,), 0))]),
            "objects": result([("a", Ref("|O", (1,), 0))]),
            "a name": result([("a b", 1)]),
            "twice": result([("a", 1), ("a", 2)]),
            "overlap": result([one, ("b", Ref("<f8", (1,), 0))]),
            "text over an array": result([one, ("b", Span(63, 2))]),
            "text beyond": result([("a", Span(SIZE - 1, 2))]),
            "too much text": result([("a", Span(0, 1 << 19)), ("b", Span(1 << 19, 1 << 19)), ("c", Span(0, 1))]),
            "many": result([(f"a{i}", None) for i in range(1025)]),
        }.items():
            with self.subTest(name):
                self.refused(lambda s, frame=frame: s.send(frame))
                self.assertEqual(self.heard, (frame, 0))

    def test_no_text(self):
        """What is not UTF-8 is not seen before it is copied."""

        def act(s):
            s.memory[:2] = b"\xc3\x28"
            s.send(result([("a", Span(0, 2))]))

        self.refused(act)

    def test_too_large(self):
        def act(s):
            s.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            s.send(result([]) + bytes(_wire.MAX_FRAME))

        self.refused(act)
        self.assertLess(len(self.heard[0]), _wire.MAX_FRAME)

    def test_descriptors(self):
        """Those that a sandbox sends are never received."""
        before = support.descriptors()

        def script(s):
            s.sock.recv(1 << 16)
            s.send(result([("result", 2.0)]), [s.sock.fileno(), s.sock.fileno()])

        m = self.attached(script)
        m(), m()
        held = support.descriptors()
        self.assertEqual(m(), 2.0)
        self.assertLessEqual(support.descriptors(), held)
        m.close()
        self.doCleanups()
        del m
        gc.collect()
        self.assertLessEqual(support.descriptors(), before)

    def test_end(self):
        """The end of the conversation, also with a frame unread."""
        self.refused(lambda s: s.sock.close())
        self.assertEqual(self.heard, (b"", 0))

        def script(s):
            s.sock.close()
            self.hear(s)

        m = self.attached(script)
        m(), m()
        with self.assertRaises(hotcell.InvalidResult):
            m()
        self.assertEqual(self.heard, (b"", 0))

    def test_silence(self):
        """Nothing comes: the supervisor is told after the limit, of the call or of the model."""
        for timeout, limit in ((None, 10**8), (0.05, 10**10)):
            with self.subTest(timeout=timeout):

                def script(s):
                    self.hear(s, "wall-time-limit")

                m = self.attached(script, timeout=limit)
                m(timeout=timeout), m(timeout=timeout)
                with self.assertRaises(hotcell.TimeLimit):
                    m(timeout=timeout)
                self.assertEqual(self.heard[0], b"")
                self.assertGreaterEqual(self.heard[1], 5 * 10**7)

    def test_changes_afterwards(self):
        """What is checked is a copy: a text that changes under the check does not change."""
        ready = threading.Event()

        def script(s):
            s.sock.recv(1 << 16)
            s.memory[:8] = struct.pack("<d", 1.0)
            s.send(result([("result", Ref("<f8", (1,), 0))]))
            ready.wait(30)
            s.memory[:8] = struct.pack("<d", 2.0)

        m = self.attached(script)
        m(), m()
        got = m()
        ready.set()
        m.close()
        self.assertEqual(got.tolist(), [1.0])

    def test_lines_that_are_none(self):
        file = os.memfd_create("unsealed", os.MFD_ALLOW_SEALING)
        os.ftruncate(file, SIZE)
        self.addCleanup(os.close, file)
        for name, options in {
            "not sealed": {"seals": file},
            "another size": {"size": 2 * SIZE},
            "more regions": {"granted": (1,)},
        }.items():
            with self.subTest(name):
                m = self.attached(lambda s: None, **options)
                m()
                with self.assertRaises(hotcell.InternalError):
                    m()

    def test_counts(self):
        """The meter says how many calls there were, and that none goes on."""
        meters = []
        lock = threading.Event()

        def script(s):
            for n in range(3):
                s.sock.recv(1 << 16)
                s.send(result([("result", float(n))]))
            lock.wait(30)

        m = self.attached(script)
        m(), m()
        for _ in range(3):
            m()
        meters = struct.unpack_from("<5Q", m._line._meter)
        lock.set()
        self.assertEqual(meters[:2] + meters[3:], (3, 3, 0, 0))
        self.assertGreater(meters[2], 0)


def result(values):
    e = support.Encoder()
    e.args(values, len(values))
    return _wire.frame(_wire.RESULT, e.payload())


if __name__ == "__main__":
    unittest.main()
