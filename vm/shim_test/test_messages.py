"""Every message by the code that sends or reads it, against the golden frames."""

import array
import errno
import fcntl
import linecache
import os
import socket
import struct
import sys
import types
import unittest
from unittest import mock

import golden
import numpy
from _hotcell import arrays, functions, model, sandbox, space, template, wire

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
        warmed = []
        with (
            mock.patch.multiple(template, sys=fake, gc=mock.Mock(), import_all=import_all, threaded=["tables"]),
            mock.patch.object(template.kernel, "single_threaded", lambda: False),
            mock.patch.object(template.warm, "up_template", warmed.append),
        ):
            self.template(conn).boot()
        self.assertEqual(len(warmed), 1)
        self.assertEqual(fake.path, ["/usr/lib/python3.11", "/opt/é"])
        self.assertEqual(imported[0], ["numpy", "numpy.linalg"])
        self.assertEqual(golden.receive(sock), (golden.read("ready"), []))

    def test_import_all(self):
        failed = template.import_all(["math", "no_such_module", "os"])
        self.assertEqual(failed, ["no_such_module: ModuleNotFoundError: No module named 'no_such_module'"])

    def test_fork(self):
        f = template.Fork(golden.decoder("fork"))
        self.assertEqual((f.token, f.wait_killable, f.grants, f.warm, f.output), (TOKEN, True, 1 << 44, True, 4096))
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

    def test_no_more_descriptors(self):
        """A template without a free descriptor says so, and outlives it."""
        for name in ("pipe", "pidfd_open"):
            conn, sock = golden.pair(self)
            t, killed = self.template(conn), []

            def none(*args):
                raise OSError(24, "Too many open files")

            none.__name__ = name
            fake = mock.Mock(wraps=os, fork=lambda: 4242, waitpid=mock.Mock(), read=lambda *args: b"+77")
            fake.kill = lambda *args: killed.append(args)
            if name == "pipe":
                fake.pipe = none
            with mock.patch.object(template, "os", fake), mock.patch.object(template.kernel, "pidfd_open", none):
                t.fork(template.Fork(golden.decoder("fork")), [])
            frame, _ = golden.receive(sock)
            d = wire.Decoder(frame[wire.HEADER.size :])
            self.assertEqual((d.u64(), d.text(), d.u32(), d.text()), (TOKEN, name, 24, "[Errno 24] Too many open files"))
            self.assertEqual((t.sandboxes, killed), ({}, [(77, 9)] if name == "pidfd_open" else []))

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
        (name, ref), other = load.args
        self.assertEqual((name, ref.descr, ref.shape, ref.offset, other), ("history", "<f8", (100,), 800, ("window", 20)))
        self.assertEqual([(r.id, r.size, r.passed) for r in load.regions], [(1, 8000, True)])
        self.assertEqual((load.output, load.functions, load.exchange, load.source, load.mapped), (4096, ["rate"], 8192, b"", False))

    def test_call(self):
        call = sandbox.Call(golden.decoder("call"))
        self.assertEqual([name for name, _ in call.args], ["x", "scale"])
        self.assertEqual([(r.id, r.size, r.passed) for r in call.regions], [(2, 24, True)])
        self.assertEqual((call.forget, [name for name, _ in call.out], call.repeats), ([1], ["z"], False))

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


# As long as the golden load says.
MAIN = b"import helpers\n\n\ndef model(**given):\n    return helpers.f(**given)\n".ljust(73)
HELPERS = b"def f(x,scale,z,history,**k):z[:]=history[:2];return x*scale".ljust(62)


def call_frame(args=(), regions=(), forget=(), out=()):
    """A Call; a region is its number and its bytes, or its size where it is named again."""
    e = wire.Encoder()
    e.args(args)
    e.u32(len(regions))
    for number, data in regions:
        e.u64(number)
        e.u64(len(data) if type(data) is bytes else data)
        e.u8(type(data) is bytes)
    e.u32(len(forget))
    for number in forget:
        e.u64(number)
    e.args(out)
    return e.frame(wire.CALL)


def output_frame(size, once):
    e = wire.Encoder()
    e.u64(size)
    e.u8(once)
    return e.frame(wire.OUTPUT)


def sealed(fd):
    """Seals a region against writing, if nobody can."""
    try:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
    except OSError as e:
        if e.errno != errno.EBUSY:
            raise
        return False
    return True


class Conversation(unittest.TestCase):
    """The sandbox's side in a process of its own, without the lock-down."""

    def start(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.questions, asking = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for s in ours, self.questions:
            s.settimeout(20)
            self.addCleanup(s.close)
        pid = os.fork()
        if pid == 0:
            try:
                ours.close()
                self.questions.close()
                sandbox.serve(wire.Conn(theirs.detach()), wire.Conn(asking.detach()), template.Fork(golden.decoder("fork")))
            except EOFError:
                os._exit(7)
            except (wire.WireError, struct.error):
                os._exit(3)
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                os._exit(1)
        theirs.close()
        asking.close()
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

    def load(self, sock, source, function="model", output=0):
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
        e.args([])
        e.u32(0)
        e.u64(output)
        e.texts([])
        e.u64(0)
        e.bytes(b"")
        e.u8(0)
        self.output = golden.memfd(b"", output)
        self.addCleanup(os.close, self.output)
        regions = [golden.memfd(source)] + [os.dup(self.output)] * bool(output)
        self.send(sock, e.frame(wire.LOAD), *regions)
        return golden.receive(sock)[0]

    def call(self, sock, *args, regions=(), forget=(), out=()):
        """Sends a Call; a region is its number and its bytes, or its size where it is named again."""
        passed = [golden.memfd(data) for _, data in regions if type(data) is bytes]
        self.send(sock, call_frame(args, regions, forget, out), *passed)
        frame, _ = golden.receive(sock)
        return wire.HEADER.unpack_from(frame)[0], wire.Decoder(frame[wire.HEADER.size :])

    def results(self, got):
        """The results of a call: arrays as their bytes."""
        kind, d = got
        self.assertEqual(kind, wire.RESULT, kind == wire.EXCEPTION and self.exception(got))
        return {name: self.bytes(v) if type(v) is wire.Ref else v for name, v in d.args()}

    def bytes(self, ref):
        return os.pread(self.output, int(ref.descr[2:]) * numpy.prod(ref.shape, dtype=int), ref.offset)

    def exception(self, got):
        kind, d = got
        self.assertEqual(kind, wire.EXCEPTION)
        return d.u8(), d.text(), d.text(), d.text(), d.text(), d.u32()

    def test_golden(self):
        sock = self.start()
        output, history = golden.memfd(b"", 4096), golden.memfd(struct.pack("<1000d", *range(1000)))
        self.send(sock, golden.read("load"), golden.memfd(MAIN + HELPERS), history, os.dup(output), golden.memfd(b"", 8192))
        self.assertEqual(golden.receive(sock), (golden.read("loaded"), []))
        want = wire.Encoder()
        want.args([("z", wire.Ref("<f4", (2,), 64)), ("result", wire.Ref("<f8", (3,), 128))])
        for numbers in ((1.0, 2.0, 3.0), (4.5, -0.0, 1e300)):  # a call leaves room for the next
            os.pwrite(output, bytes(4096), 0)
            self.send(sock, golden.read("call"), golden.memfd(struct.pack("<3d", *numbers)))
            self.assertEqual(golden.receive(sock), (want.frame(wire.RESULT), []))
            self.assertEqual(struct.unpack("<2f", os.pread(output, 8, 64)), (100, 101))
            self.assertEqual(struct.unpack("<3d", os.pread(output, 24, 128)), tuple(2 * n for n in numbers))
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
            self.assertEqual(self.load(sock, source, output=64), golden.read("loaded"))
            got = self.exception(self.call(sock, *args))
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
        source = b"try:\n    import fractions\nexcept ImportError as e:\n    text = str(e), e.name\ndef model(): return text\n"
        sock = self.start()
        # The answer lies ready: it is read once the question was put.
        e = wire.Encoder()
        e.u8(0)
        e.text("no fractions")
        self.questions.send(e.frame(wire.ANSWER, 1))
        self.assertEqual(self.load(sock, source), golden.read("loaded"))
        frame, _ = golden.receive(self.questions)
        d = wire.Decoder(frame[wire.HEADER.size :])
        self.assertEqual((wire.HEADER.unpack_from(frame), d.text(), d.text()), ((wire.ASK, 1, 1), "import", "fractions"))
        kind, d = self.call(sock)
        self.assertEqual((kind, d.args()), (wire.RESULT, [("result", "no fractions"), ("result_1", "fractions")]))
        self.assertEqual(self.end(sock), 7)

    def test_output_of_one_call(self):
        """A call with an output of its own gives it up before it answers, unless the model keeps an array in it."""
        source = b"""
import hotcell
kept = []
def model(keep, x=None):
    y = hotcell.empty('y', 2)
    y[:] = 3, 4
    if keep:
        kept.append(y)
    return {'y': y, 'z': y / 2}
"""
        sock = self.start()
        usual = golden.memfd(b"", 4096)
        self.assertEqual(self.load(sock, source, output=4096), golden.read("loaded"))
        self.assertEqual(output_frame(4096, True), golden.read("output"))
        for keep in False, True, False:
            own = golden.memfd(b"", 4096)
            self.send(sock, golden.read("output"), os.dup(own))
            got = self.call(sock, ("keep", keep))
            self.output = own
            found = self.results(got)
            self.assertEqual(found, {"y": struct.pack("<2d", 3, 4), "z": struct.pack("<2d", 1.5, 2)})
            # The kernel refuses while a writable mapping is left.
            self.assertEqual(sealed(own), not keep)
            self.send(sock, output_frame(4096, False), os.dup(usual))
            for _ in range(3):  # known frames lie in the new output too
                os.pwrite(usual, bytes(64), 0)
                got = self.call(sock, ("keep", False))
                self.output = usual
                self.assertEqual(self.results(got)["y"], struct.pack("<2d", 3, 4))
            os.close(own)
        os.close(usual)
        self.assertEqual(self.end(sock), 7)

    def test_output_that_cannot_be_mapped(self):
        """The call tells it, and the next output serves again."""
        sock = self.start()
        self.assertEqual(self.load(sock, b"def model(): return bytearray(16)\n", output=64), golden.read("loaded"))
        r, w = os.pipe()
        os.close(w)
        self.send(sock, output_frame(64, False), r)
        self.assertIn(self.exception(self.call(sock))[1], ("OSError", "PermissionError"))
        self.output = golden.memfd(b"", 64)
        self.send(sock, output_frame(64, False), os.dup(self.output))
        self.assertEqual(self.results(self.call(sock)), {"result": bytes(16)})
        os.close(self.output)
        self.assertEqual(self.end(sock), 7)

    def test_same_frame_again(self):
        """What stands in the regions is new each time, and so are the objects that the model gets."""
        source = b"""
import hotcell
def model(x, y, n):
    total = int(x.sum())
    y[0] = len(x) + n
    x.shape = 2, 2
    z = hotcell.empty("z", 1, "i4")
    z[0] = total
    y.dtype = "i2"
    if total == 5: raise ValueError(total)
    return {"total": total, "x": x + 1}
"""
        sock = self.start()
        self.assertEqual(self.load(sock, source, output=4096), golden.read("loaded"))
        ref, out = wire.Ref("<i4", (4,), 0), [("y", wire.Ref("<i4", (2,), 0))]
        args = ("x", ref), ("n", 5)
        region = golden.memfd(bytes(16))
        self.addCleanup(os.close, region)
        for i in range(8):
            os.pwrite(region, struct.pack("<4i", i, 0, 0, 0), 0)
            # The first one passes the region; from the fourth on nothing of a frame is read.
            fds = [os.dup(region)] if i == 0 else []
            self.send(sock, call_frame(args, [(1, 16 if i else bytes(16))], (), out), *fds)
            frame, _ = golden.receive(sock)
            got = wire.HEADER.unpack_from(frame)[0], wire.Decoder(frame[wire.HEADER.size :])
            if i == 5:
                self.assertEqual(self.exception(got)[1:3], ("ValueError", "5"))
                continue
            results = self.results(got)
            self.assertEqual(list(results), ["y", "z", "total", "x"])
            self.assertEqual((results["y"][:4], results["z"], results["total"]), (struct.pack("<i", 9), struct.pack("<i", i), i))
            self.assertEqual(results["x"], struct.pack("<4i", i + 1, 1, 1, 1))
        self.assertEqual(self.end(sock), 7)

    def test_wrong_inputs_again(self):
        """An input that is unknown is so each time; the model is not called."""
        sock = self.start()
        self.assertEqual(self.load(sock, b"n = 0\ndef model(x=0):\n    global n\n    n += 1\n    return n\n"), golden.read("loaded"))
        for args, want in (
            ((("y", 1),), "unknown input y"), ((("y", 1),), "unknown input y"), ((("x", 1),), 1), ((("y", 1),), "unknown input y"),
            ((), 2), ((), 3), ((("x", 1),), 4), ((("x", 1), ("y", 1)), "unknown input y"),
        ):
            got = self.call(sock, *args)
            if type(want) is int:
                self.assertEqual(self.results(got), {"result": want})
            else:
                self.assertIn(want, self.exception(got)[2])
        self.assertEqual(self.end(sock), 7)

    def test_kept_and_forgotten(self):
        """A model may keep what it got: also of regions that are forgotten, and of others that came in their place."""
        sock = self.start()
        source = b"kept = []\ndef model(x):\n    kept.append(x)\n    return sum(int(k[0]) for k in kept)\n"
        self.assertEqual(self.load(sock, source), golden.read("loaded"))
        ref = wire.Ref("<i4", (1,), 0)
        total = 0
        for i in range(1, 40):
            total += i
            region = (i, struct.pack("<i", i))
            self.assertEqual(self.results(self.call(sock, ("x", ref), regions=[region], forget=[i - 1])), {"result": total})
            total += i
            self.assertEqual(self.results(self.call(sock, ("x", ref), regions=[(i, 4)])), {"result": total})
        self.assertEqual(self.end(sock), 7)

    def test_wrong_frames_end_it(self):
        """A broken supervisor gets no answer."""
        for frame in (
            call_frame([("x", wire.Ref("<i4", (1,), 0))], [(5, 4)]),  # never passed
            call_frame([("x", wire.Ref("<i4", (1,), 0))], [(5, b"abcd")]),  # without its descriptor
            call_frame([("x", 1)])[:-1],
            golden.read("locked"),
        ):
            sock = self.start()
            self.assertEqual(self.load(sock, b"def model(x=0): return 5\n"), golden.read("loaded"))
            sock.send(frame)
            self.assertEqual(sock.recv(100), b"")
            self.assertEqual(self.end(sock), 3)


class Calls(unittest.TestCase):
    """Calls in this process: which frames are read, and what is left behind."""

    def setUp(self):
        self.conn, self.sock = golden.pair(self)
        self.seen = []
        bound = space.Inputs()
        bound.add("b", 1)
        self.output = arrays.Output(memoryview(bytearray(4096)))
        stub = types.SimpleNamespace(bound=bound, output=self.output, call=self.model)
        Calls.base += 1 << 40
        self.granted = space.Space(Calls.base)
        self.calls = sandbox.Calls(self.conn, stub, self.granted)
        self.returns = None

    base = 0x400000000000

    def model(self, inputs):
        self.seen.append({k: bytes(v) if k == "x" else v for k, v in inputs.items()})
        return self.returns

    def serve(self, *args, regions=(), forget=(), out=()):
        """Serves one call as sandbox.serve does; tells whether its frame was known."""
        decoder = wire.Decoder(call_frame(args, regions, forget, out)[wire.HEADER.size :])
        fds = [golden.memfd(data) for _, data in regions if type(data) is bytes]
        given = list(fds)
        known = self.calls.known.get(decoder.b)
        try:
            self.calls.serve(known or sandbox.Call(decoder), fds)
        finally:
            self.assertFalse(any(map(golden.is_open, given)), "a descriptor is left open")
        golden.receive(self.sock)
        return known is not None

    def test_known(self):
        x = ("x", wire.Ref("|u1", (3,), 0))
        for step, (options, known) in enumerate((
            (dict(regions=[(1, b"abc")]), False),
            (dict(regions=[(1, 3)]), False),
            (dict(regions=[(1, 3)]), False),  # kept from now on
            (dict(regions=[(1, 3)]), True),
            (dict(regions=[(2, b"def")]), False),
            (dict(regions=[(1, 3)]), False),  # what brings a region makes all unknown
            (dict(regions=[(2, 3)]), False),
            (dict(regions=[(1, 3)]), False),
            (dict(regions=[(2, 3)]), False),
            (dict(regions=[(1, 3)]), True),
            (dict(regions=[(2, 3)]), True),
            (dict(regions=[(2, 3)], forget=[1]), False),
            (dict(regions=[(2, 3)], forget=[1]), False),
            (dict(regions=[(2, 3)], forget=[1]), False),
            (dict(regions=[(2, 3)]), False),
            (dict(regions=[(2, 3)]), False),
            (dict(regions=[(2, 3)]), True),
        )):
            self.assertEqual(self.serve(x, **options), known, step)
            self.assertEqual(self.seen[-1], {"b": 1, "x": b"abc" if options["regions"][0][0] == 1 else b"def"})

    def test_known_are_bounded(self):
        for i in range(3 * sandbox.MAX_KNOWN):
            for known in False, False, True:
                self.assertEqual(self.serve(("n", i)), known)
                self.assertEqual(self.seen[-1], {"b": 1, "n": i})
        self.assertLessEqual(len(self.calls.known), sandbox.MAX_KNOWN)

    def test_forgotten_end(self):
        """No frame that is known keeps a mapping that is forgotten."""
        x = ("x", wire.Ref("|u1", (3,), 0))
        self.serve(x, regions=[(1, b"abc")])
        for known in False, False, True:
            self.assertEqual(self.serve(x, regions=[(1, 3)]), known)
        self.assertEqual(len(self.granted.ends), 1)
        self.serve(("n", 1), forget=[1])
        self.assertEqual((self.granted.ends, self.granted.regions), ({}, {}))

    def test_failures(self):
        """After a call that failed the next one finds everything as it should be."""
        x = ("x", wire.Ref("|u1", (3,), 0))
        z = ("z", wire.Ref("|u1", (3,), 0))
        self.returns = object()
        with self.assertRaises(arrays.InvalidResult):
            self.serve(x, regions=[(1, b"abc")], out=[z])
        self.assertEqual((self.output.running, self.output.made), (False, {}))
        self.returns = None
        for known in False, False, True:
            self.assertEqual(self.serve(x, regions=[(1, 3)], out=[z]), known)
        # Without numpy this dtype cannot be taken; the region can.
        odd = ("x", wire.Ref("|S3", (), 0))
        with golden.without_numpy(), self.assertRaises(arrays.UnusableInput):
            self.serve(odd, regions=[(2, b"def")])
        self.assertFalse(self.serve(x, regions=[(2, 3)]))
        self.assertEqual(self.seen[-1]["x"], b"def")

    def test_too_many_descriptors(self):
        """A model finds no descriptor that the shim did not want."""
        x = ("x", wire.Ref("|u1", (3,), 0))
        decoder = wire.Decoder(call_frame([x], [(1, b"abc")])[wire.HEADER.size :])
        fds = [golden.memfd(b"abc"), golden.memfd(b"def")]
        given = list(fds)
        self.calls.serve(sandbox.Call(decoder), fds)
        self.assertEqual([golden.is_open(fd) for fd in given], [False, False])

    def test_out(self):
        """An array to write has the bytes that the host said, and is a new object each time."""
        z = ("z", wire.Ref("<i4", (2, 2), 64))
        for known in False, False, True:
            self.assertEqual(self.serve(out=[z]), known)
            got = self.seen[-1]["z"]
            self.assertEqual((got.shape, got.flags.writeable), ((2, 2), True))
            got[1, 1] = 7
            self.assertEqual(bytes(self.output.view[76:80]), b"\7\0\0\0")
            got.shape = (4,)


class Functions(unittest.TestCase):
    """Functions of the host, which a model calls over the socket for questions."""

    def setUp(self):
        conn, self.sock = golden.pair(self)
        self.asker = sandbox.Asker(conn)
        self.asker.seq = 7
        self.region = memoryview(bytearray(4096))
        self.functions = functions.Functions(self.asker, self.region)
        self.rate = self.functions.make("rate")

    def returned(self, value=None, failed=False, text=""):
        e = wire.Encoder()
        e.u8(failed)
        e.text(text)
        e.value(value)
        self.sock.send(e.frame(wire.RETURNED, self.asker.seq + 1))

    def test_golden(self):
        self.sock.send(golden.read("returned"))
        self.assertEqual(self.rate("EUR", at=array.array("q", [1, 2])), 1.25)
        frame, _ = golden.receive(self.sock)
        d = wire.Decoder(frame[wire.HEADER.size :])
        want = golden.decoder("invoke")
        self.assertEqual((wire.HEADER.unpack_from(frame), d.text()), (wire.HEADER.unpack_from(golden.read("invoke")), want.text()))
        (text, ref), (wanted, other) = [[v for _, v in got.args()] for got in (d, want)]
        self.assertEqual((text, ref.descr, ref.shape), (wanted, other.descr, other.shape))
        self.assertEqual(bytes(self.region[ref.offset : ref.offset + 16]), struct.pack("<2q", 1, 2))

    def test_values(self):
        for value in (None, True, -5, 2.5, 1j, "text"):
            self.returned(value)
            got = self.rate(value)
            self.assertEqual((got, type(got)), (value, type(value)))
            frame, _ = golden.receive(self.sock)
            d = wire.Decoder(frame[wire.HEADER.size :])
            self.assertEqual((d.text(), d.args()), ("rate", [("_0", value)]))

    def test_arrays_are_copies(self):
        for context in (mock.patch.dict(sys.modules), golden.without_numpy()):
            with context:
                self.region[64:72] = struct.pack("<2i", 3, 4)
                self.returned(wire.Ref("<i4", (2,), 64))
                got = self.rate()
                self.region[64:72] = bytes(8)
                self.assertEqual(got.tolist(), [3, 4])
                golden.receive(self.sock)
        self.region[64:68] = "gr\u00fc".encode()
        self.returned(wire.Span(64, 4))
        self.assertEqual(self.rate(), "gr\u00fc")

    def test_failed(self):
        self.returned(failed=True, text="the host's function rate failed")
        with self.assertRaisesRegex(functions.FunctionError, "^the host's function rate failed$"):
            self.rate()
        for args in ((object(),), ([1],), (bytearray(5000),)):
            with self.assertRaisesRegex(functions.FunctionError, "^arguments of rate: "):
                self.rate(*args)


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

