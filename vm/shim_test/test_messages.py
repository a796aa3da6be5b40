"""Every message by the code that sends or reads it, against the golden frames."""

import linecache
import os
import socket
import struct
import sys
import types
import unittest
from unittest import mock

import golden
from _hotcell import model, sandbox, template, wire

TOKEN = 0x0102030405060708


class Template(unittest.TestCase):
    def template(self, conn):
        with mock.patch.object(template.wire, "Conn", lambda fd: conn), mock.patch.object(template, "select", mock.Mock()):
            return template.Template()

    def test_boot_and_ready(self):
        conn, sock = golden.pair(self)
        sock.send(golden.read("boot"))
        imported = []

        def import_all(names):
            imported.append(names)
            return ["scipy: ModuleNotFoundError: No module named 'scipy'"] if len(imported) == 1 else []

        fake = types.SimpleNamespace(**vars(sys))
        fake.path, fake.version_info = [], (3, 11, 2, "final", 0)
        fake.modules = {"numpy": types.SimpleNamespace(__version__="1.24.2")}
        with mock.patch.multiple(template, sys=fake, gc=mock.Mock(), import_all=import_all):
            self.template(conn).boot()
        self.assertEqual(fake.path, ["/usr/lib/python3.11", "/opt/é"])
        self.assertEqual(imported[0], ["numpy", "numpy.linalg"])
        self.assertEqual(golden.receive(sock), (golden.read("ready"), []))

    def test_import_all(self):
        failed = template.import_all(["math", "no_such_module", "os"])
        self.assertEqual(failed, ["no_such_module: ModuleNotFoundError: No module named 'no_such_module'"])

    def test_fork(self):
        f = template.Fork(golden.decoder("fork"))
        self.assertEqual((f.token, f.wait_killable, f.grants), (TOKEN, True, 1 << 44))
        self.assertEqual(f.filter, bytes.fromhex("0600000000000080060000000000ff7f"))

    def answer_to_fork(self, told):
        """What the template sends when the intermediate told that."""
        conn, sock = golden.pair(self)
        given = [os.open("/dev/null", os.O_RDONLY) for _ in range(3)]
        pidfd = os.open("/dev/zero", os.O_RDONLY)
        r, w = os.pipe()

        def fork():
            if isinstance(told, OSError):
                raise told
            os.write(w, told)
            return 4242

        fake = mock.Mock(wraps=os, pipe=lambda: (r, w), fork=fork, waitpid=mock.Mock())
        t = self.template(conn)
        with mock.patch.object(template, "os", fake), mock.patch.object(template.kernel, "pidfd_open", lambda pid: pidfd):
            t.fork(template.Fork(golden.decoder("fork")), given)
        for fd in (*given, r, w):
            with self.assertRaises(OSError, msg="a descriptor is left open"):
                os.fstat(fd)
        got = golden.receive(sock)
        os.close(pidfd)
        return t, got

    def test_forked(self):
        t, (frame, fds) = self.answer_to_fork(b"+77")
        self.assertEqual(frame, golden.read("forked"))
        self.assertEqual(os.read(fds[0], 1), b"\0")
        os.close(fds[0])
        self.assertEqual(list(t.sandboxes.values()), [(TOKEN, 77)])

    def test_failed(self):
        _, got = self.answer_to_fork(b"namespaces\x001\x00unshare: Operation not permitted")
        self.assertEqual(got, (golden.read("failed"), []))

    def failure(self, told):
        _, (frame, _) = self.answer_to_fork(told)
        d = wire.Decoder(frame[wire.HEADER.size :])
        return d.u64(), d.text(), d.u32(), d.text()

    def test_intermediate_died(self):
        self.assertEqual(self.failure(b""), (TOKEN, "intermediate", 0, "it ended before it forked the sandbox"))

    def test_no_more_processes(self):
        """The template outlives it, and so do its other sandboxes."""
        e = OSError(11, "Resource temporarily unavailable")
        self.assertEqual(self.failure(e), (TOKEN, "fork", 11, "[Errno 11] Resource temporarily unavailable"))

    def directly(self, namespaces):
        """What the template sends when one clone is all that it takes."""
        conn, sock = golden.pair(self)
        t = self.template(conn)
        t.direct = True
        with mock.patch.object(template.lockdown, "namespaces", namespaces):
            t.fork(template.Fork(golden.decoder("fork")), [])
        return t, golden.receive(sock)

    def test_forked_directly(self):
        pidfd = os.open("/dev/zero", os.O_RDONLY)
        self.addCleanup(os.close, pidfd)
        t, (frame, fds) = self.directly(lambda tid: (77, pidfd))
        self.assertEqual((frame, t.sandboxes), (golden.read("forked"), {pidfd: (TOKEN, 77)}))
        self.assertEqual(os.read(fds[0], 1), b"\0")
        os.close(fds[0])

    def test_failed_directly(self):
        def namespaces(tid):
            raise OSError(1, "unshare: Operation not permitted")

        _, (frame, fds) = self.directly(namespaces)
        d = wire.Decoder(frame[wire.HEADER.size :])
        self.assertEqual((d.u64(), d.text(), d.u32(), fds), (TOKEN, "namespaces", 1, []))

    def test_exited(self):
        conn, sock = golden.pair(self)
        t = self.template(conn)
        pidfd = os.open("/dev/null", os.O_RDONLY)
        t.sandboxes[pidfd] = TOKEN, 77
        with mock.patch.object(template, "os", mock.Mock(wraps=os, waitpid=lambda pid, flags: (pid, 9))):
            t.reap(pidfd)
        self.assertEqual(golden.receive(sock), (golden.read("exited"), []))
        self.assertEqual(t.sandboxes, {})


class Sandbox(unittest.TestCase):
    def test_hello_locked_waiting(self):
        conn, sock = golden.pair(self)
        listener = os.open("/dev/null", os.O_RDONLY)
        sock.send(golden.read("locked"))
        closed = []
        with mock.patch.object(sandbox, "os", mock.Mock(wraps=os, close=closed.append)):
            sandbox.hello(conn, 5, 4)
        os.close(listener)
        self.assertEqual(closed, [5])
        self.assertEqual(golden.receive(sock), (golden.read("hello"), []))
        self.assertEqual(golden.receive(sock), (golden.read("waiting"), []))

    def test_failed(self):
        conn, sock = golden.pair(self)
        sandbox.failed(conn, TOKEN, "namespaces", 1, "unshare: Operation not permitted")
        self.assertEqual(golden.receive(sock)[0], golden.read("failed"))

    def test_failed_to_nobody(self):
        conn, sock = golden.pair(self)
        sock.close()
        sandbox.failed(conn, TOKEN, "namespaces", 1, "")

    def test_load(self):
        load = sandbox.Load(golden.decoder("load"))
        self.assertEqual((load.function, load.modules, load.recursion), ("model", {"math", "numpy"}, 1000))
        self.assertEqual((load.seed, load.seeded, load.threads), (bytes(range(32)), True, 2))
        self.assertEqual(load.env, ["TZ=UTC"])
        files = [(f.module, f.path, f.package, f.offset, f.size) for f in load.files]
        self.assertEqual(files, [("", "model.py", False, 0, 73), ("helpers", "helpers/__init__.py", True, 73, 62)])

    def test_exception(self):
        conn, sock = golden.pair(self)
        source = 'def model(x):\n    raise ValueError("x is negative: é")\n'
        linecache.cache["model.py"] = (len(source), None, source.splitlines(True), "model.py")
        self.addCleanup(linecache.cache.pop, "model.py")
        space = {}
        exec(compile(source, "model.py", "exec"), space)
        # A bound method has no frame of its own between attempt's and the model's.
        self.assertFalse(sandbox.attempt(conn, types.MethodType(space["model"], 1)))
        self.assertEqual(golden.receive(sock)[0], golden.read("exception"))

    def test_ask_answer(self):
        conn, sock = golden.pair(self)
        ask = sandbox.Asker(conn)
        ask.seq = 6
        sock.send(golden.read("answer"))
        self.assertEqual(ask("import", "scipy.stats"), (False, "import of scipy.stats is not allowed"))
        self.assertEqual(golden.receive(sock)[0], golden.read("ask"))


MAIN = b"import helpers\n\n\ndef model(x, scale):\n    return helpers.times(x, scale)\n"
HELPERS = b'def times(x, scale):\n    return {"y": x * scale, "n": len(x)}\n'


class Conversation(unittest.TestCase):
    """The sandbox's side in a process of its own, without the lock-down."""

    def start(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(20)
        pid = os.fork()
        if pid == 0:
            try:
                ours.close()
                sandbox.serve(wire.Conn(theirs.detach()), template.Fork(golden.decoder("fork")))
            except EOFError:
                os._exit(7)
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                os._exit(1)
        theirs.close()
        self.addCleanup(ours.close)
        self.pid = pid
        return ours

    def end(self, sock):
        sock.close()
        _, status = os.waitpid(self.pid, 0)
        return os.WEXITSTATUS(status)

    def send(self, sock, frame, *regions):
        sock.sendmsg([frame], golden.rights(regions))
        for fd in regions:
            os.close(fd)

    def load(self, sock, source, function="model"):
        """Sends a Load with one file; returns the frame that comes next."""
        e = wire.Encoder()
        e.text(function)
        e.texts([])
        e.u32(1000)
        e.bytes(bytes(32))
        e.u8(0)
        e.u32(1)
        e.texts([])
        e.u32(1)
        e.text("")
        e.text("model.py")
        e.u8(0)
        e.u64(0)
        e.u64(len(source))
        self.send(sock, e.frame(wire.LOAD), golden.memfd(source))
        return golden.receive(sock)[0]

    def call(self, sock, *args, size=0):
        e = wire.Encoder()
        e.args(args)
        e.u64(size)
        regions = []
        if size:
            regions = [golden.memfd(b"", size)]
        self.send(sock, e.frame(wire.CALL), *regions)
        frame, _ = golden.receive(sock)
        kind, _, seq = wire.HEADER.unpack_from(frame)
        return kind, wire.Decoder(frame[wire.HEADER.size :])

    def exception(self, got):
        kind, d = got
        self.assertEqual(kind, wire.EXCEPTION)
        return d.u8(), d.text(), d.text(), d.text(), d.text(), d.u32()

    def test_golden(self):
        sock = self.start()
        self.send(sock, golden.read("load"), golden.memfd(MAIN + HELPERS))
        self.assertEqual(golden.receive(sock), (golden.read("loaded"), []))
        for numbers in ((1.0, 2.0, 3.0), (4.5, -0.0, 1e300)):  # a call leaves room for the next
            output = golden.memfd(b"", 4096)
            self.send(sock, golden.read("call"), golden.memfd(struct.pack("<3d", *numbers)), os.dup(output))
            self.assertEqual(golden.receive(sock), (golden.read("result"), []))
            self.assertEqual(struct.unpack("<3d", os.pread(output, 24, 0)), tuple(2 * n for n in numbers))
            os.close(output)
        self.assertEqual(self.end(sock), 7)

    def test_calls_keep_state_and_outlive_exceptions(self):
        sock = self.start()
        source = b"n = 0\ndef model(fail):\n    global n\n    n += 1\n    if fail: raise KeyError(n)\n    return n\n"
        self.assertEqual(self.load(sock, source), golden.read("loaded"))
        kind, d = self.call(sock, ("fail", False))
        self.assertEqual((kind, d.args()), (wire.RESULT, [("result", 1)]))
        cause, name, message, text, file, line = self.exception(self.call(sock, ("fail", True)))
        self.assertEqual((cause, name, message, file, line), (model.RAISED, "KeyError", "2", "model.py", 5))
        self.assertNotIn("<hotcell", text)
        kind, d = self.call(sock, ("fail", False))
        self.assertEqual((kind, d.args()), (wire.RESULT, [("result", 3)]))
        self.assertEqual(self.end(sock), 7)

    def test_exception_causes(self):
        for source, args, cause, message in (
            (b"def model(): return object()", (), model.INVALID_RESULT, "result is a builtins.object"),
            (b"def model(): return b'x' * 65", (), model.OUTPUT, "need at least 65 bytes, the limit is 64"),
            (b"def model(): return ['x' * 2] * 1025", (), model.INVALID_RESULT, "1025 results, at most 1024"),
            (b"def model(): return {'n%061d' % i: 0.5 for i in range(1024)}", (), model.INVALID_RESULT, "too many for one answer"),
            (b"def model(): return 1 << (8 << 15)", (), model.INVALID_RESULT, "an integer of 262145 bits"),
            (b"def model(): return 'x' * 8193", (), model.OUTPUT, "need at least 8193 bytes"),
            (b"def model(x): pass", (), model.INPUT, "missing input x"),
            (b"def model(): model()", (), model.RECURSION, "recursion"),
            (b"def model(): raise MemoryError", (), model.MEMORY, ""),
            (b"def model(): raise SystemExit(3)", (), model.RAISED, "3"),
        ):
            sock = self.start()
            self.assertEqual(self.load(sock, source), golden.read("loaded"))
            got = self.exception(self.call(sock, *args, size=64))
            self.assertEqual(got[0], cause, got)
            self.assertIn(message, got[2])
            self.assertEqual(self.end(sock), 7)

    def test_load_causes(self):
        for source, function, cause, name, line in (
            (b"x = = 1", "model", model.SYNTAX, "SyntaxError", 1),
            (b"\n  x", "model", model.SYNTAX, "IndentationError", 2),
            (b"x = '\xff'\n", "model", model.SYNTAX, "SyntaxError", None),
            (b"# coding: no-such\n", "model", model.SYNTAX, "SyntaxError", None),
            (b"x = 1\0", "model", model.SYNTAX, "SyntaxError", None),
            (b"model = 5", "model", model.NO_FUNCTION, "", 0),
            (b"def model(): pass", "other", model.NO_FUNCTION, "", 0),
            (b"\n1 / 0", "model", model.RAISED, "ZeroDivisionError", 2),
            (b"\nraise SystemExit", "model", model.RAISED, "SystemExit", 2),
        ):
            sock = self.start()
            frame = self.load(sock, source, function)
            got = self.exception((wire.HEADER.unpack_from(frame)[0], wire.Decoder(frame[wire.HEADER.size :])))
            self.assertEqual((got[0], got[1]), (cause, name), f"{source}: {got}")
            if line is not None:
                self.assertEqual(got[5], line, f"{source}: {got}")
            self.assertEqual(self.end(sock), 1)  # a model that did not load is not served

    def test_import_is_asked(self):
        sock = self.start()
        e = wire.Encoder()
        source = b"try:\n    import fractions\nexcept ImportError as e:\n    text = str(e), e.name\ndef model(): return text\n"
        frame = self.load(sock, source)
        d = wire.Decoder(frame[wire.HEADER.size :])
        self.assertEqual((wire.HEADER.unpack_from(frame), d.text(), d.text()), ((wire.ASK, 1, 1), "import", "fractions"))
        e.u8(0)
        e.text("no fractions")
        sock.send(e.frame(wire.ANSWER, 1))
        self.assertEqual(golden.receive(sock), (golden.read("loaded"), []))
        kind, d = self.call(sock)
        self.assertEqual((kind, d.args()), (wire.RESULT, [("result", "no fractions"), ("result_1", "fractions")]))
        self.assertEqual(self.end(sock), 7)


class Asking(unittest.TestCase):
    def test_threads(self):
        """Each of many threads gets the answer to its own question."""
        import threading

        conn, sock = golden.pair(self)
        ask = sandbox.Asker(conn)
        got = {}

        def supervisor():
            for _ in range(40):
                frame, _ = golden.receive(sock)
                d = wire.Decoder(frame[wire.HEADER.size :])
                d.text()
                e = wire.Encoder()
                e.u8(1)
                e.text("re: " + d.text())
                sock.send(e.frame(wire.ANSWER, wire.HEADER.unpack_from(frame)[2]))

        def asker(n):
            for i in range(5):
                got[n, i] = ask("import", f"{n}.{i}")

        threads = [threading.Thread(target=supervisor)] + [threading.Thread(target=asker, args=(n,)) for n in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(20)
        self.assertEqual(got, {(n, i): (True, f"re: {n}.{i}") for n in range(8) for i in range(5)})

