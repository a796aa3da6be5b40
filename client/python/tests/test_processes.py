"""Threads, signals, forks, and the ends of processes."""

import gc
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import unittest

import hotcell
import numpy as np
import support
from support import ModelTest, supervisor

ENDLESS = "def model():\n    print('running', flush=True)\n    while True:\n        pass\n"


def python(script, *args):
    """A process of its own that uses the client."""
    folder = os.path.dirname(os.path.dirname(os.path.abspath(hotcell.__file__)))
    code = f"import sys; sys.path.insert(0, {folder!r})\n" + textwrap.dedent(script)
    return subprocess.Popen([sys.executable, "-B", "-c", code, *args], stdout=subprocess.PIPE, text=True)


def gone(pid):
    """Waits for the end of a process that is nobody's child here."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    import select

    try:
        return bool(select.select([fd], [], [], 60)[0])
    finally:
        os.close(fd)


class Threads(ModelTest):
    def test_busy(self):
        running, raised = threading.Event(), []
        m = self.launch(ENDLESS, stdout=lambda text: running.set(), timeout=60)

        def call():
            with self.assertRaises(hotcell.Cancelled) as got:
                m()
            raised.append(got.exception)

        caller = threading.Thread(target=call)
        caller.start()
        self.assertTrue(running.wait(60))
        with self.assertRaises(hotcell.BusyError):
            m()
        self.assertGreaterEqual(m.report.usage.wall_seconds, 0)
        m.cancel()
        caller.join()
        self.assertTrue(raised[0].ended)
        with self.assertRaises(hotcell.Cancelled):
            m()
        m.close()
        self.assertEqual(m.report.verdict, "cancelled")

    def test_close_while_called(self):
        running = threading.Event()
        m = self.launch(ENDLESS, stdout=lambda text: running.set(), timeout=60)
        caller = threading.Thread(target=lambda: self.assertRaises(hotcell.Cancelled, m))
        caller.start()
        self.assertTrue(running.wait(60))
        m.close()
        caller.join()
        self.assertEqual(m.report.verdict, "cancelled")

    def test_many_models_at_once(self):
        hc, wrong = supervisor(), []
        x = hc.array(np.arange(4000.0))

        def work(n):
            try:
                with hc.launch(support.DOUBLE) as m:
                    for _ in range(50):
                        if m(x=x[n * 500 :])[0] != n * 1000 or m(x=np.full(700, n))[699] != 2 * n:
                            wrong.append(n)
            except BaseException as e:
                wrong.append(e)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(wrong, [])

    def test_reports_while_called(self):
        m = self.launch("def model():\n    return 1\n")
        done, reports = threading.Event(), []

        def ask():
            while not done.is_set():
                reports.append(m.report.verdict)

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for t in threads:
            t.start()
        self.assertEqual({m() for _ in range(1000)}, {1})
        done.set()
        for t in threads:
            t.join()
        self.assertEqual(set(reports), {"ok"})

    def test_a_model_that_is_dropped_ends(self):
        with hotcell.start() as hc:
            hc.launch(support.DOUBLE)
            gc.collect()
            self.assertEqual(len(hc._models), 0)


class Interrupted(ModelTest):
    def test_call(self):
        """Ctrl-C in a call ends it, and with it the model."""
        m = self.launch(ENDLESS, stdout=lambda text: os.kill(os.getpid(), signal.SIGINT), timeout=60)
        with self.assertRaises(KeyboardInterrupt):
            m()
        with self.assertRaises(hotcell.Cancelled):
            m()
        self.assertEqual(m.report.verdict, "cancelled")
        m.close()
        self.assertEqual(m.report.verdict, "cancelled")

    def test_launch(self):
        source = "print('running', flush=True)\nwhile True: pass\n\ndef model(): pass\n"
        before = support.descriptors()
        with self.assertRaises(KeyboardInterrupt):
            supervisor().launch(source, stdout=lambda text: os.kill(os.getpid(), signal.SIGINT), timeout=60)
        gc.collect()
        self.assertEqual(supervisor().run(support.DOUBLE, x=2), 4)
        self.assertLessEqual(len(support.descriptors()), len(before) + 2)

    def test_map(self):
        printed = []

        def once(text):
            if not printed:
                printed.append(text)
                os.kill(os.getpid(), signal.SIGINT)

        with self.assertRaises(KeyboardInterrupt):
            supervisor().map(ENDLESS, [{}] * 4, concurrency=2, stdout=once, timeout=60)

    def test_other_signals(self):
        """A handler that returns lets the call go on."""
        seen = []
        old = signal.signal(signal.SIGUSR1, lambda *a: seen.append(1))
        self.addCleanup(signal.signal, signal.SIGUSR1, old)
        m = self.launch("def model():\n    print('x', flush=True)\n    return sum(range(10 ** 6))\n", stdout=lambda text: os.kill(os.getpid(), signal.SIGUSR1))
        self.assertEqual(m(), sum(range(10**6)))
        m.close()
        self.assertEqual(seen, [1])


class Forked(unittest.TestCase):
    def in_child(self, work):
        """Runs work in a forked child; what it raises or asserts fails the test."""
        r, w = os.pipe()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                work()
                code = 0
            except BaseException as e:
                os.write(w, repr(e).encode())
            finally:
                os._exit(code)
        os.close(w)
        with open(r, "rb") as f:
            text = f.read()
        _, status = os.waitpid(pid, 0)
        self.assertEqual((status, text), (0, b""))

    def test_child(self):
        with hotcell.start() as hc, hc.launch(support.DOUBLE, stdout=print) as m:
            x = hc.array(np.arange(1000.0))
            y = m(x=x)

            def work():
                for act in (
                    lambda: m(x=1), m.cancel, lambda: m.report, lambda: hc.launch(support.DOUBLE), lambda: hc.run(support.DOUBLE, x=1),
                    lambda: hc.map(support.DOUBLE, [{"x": 1}]),
                ):
                    try:
                        act()
                    except hotcell.ForkedError as e:
                        assert "forked" in str(e)
                    else:
                        raise AssertionError("no ForkedError")
                m.close()
                hc.close()
                assert y[999] == 1998 and x[999] == 999
                with hotcell.start() as own:
                    assert own.run(support.DOUBLE, x=3) == 6

            self.in_child(work)
            self.assertEqual(m(x=2), 4)
            self.assertEqual(y[999], 1998)

    def test_child_while_a_call_runs(self):
        """Locks that other threads held at the fork block nobody."""
        running = threading.Event()
        with hotcell.start() as hc:
            m = hc.launch(ENDLESS, stdout=lambda text: running.set(), timeout=60)
            caller = threading.Thread(target=lambda: self.assertRaises(hotcell.Cancelled, m))
            caller.start()
            self.assertTrue(running.wait(60))

            def work():
                for act in (m, lambda: m.report):
                    try:
                        act()
                    except hotcell.ForkedError:
                        continue
                    raise AssertionError("no ForkedError")
                m.close()
                hc.close()

            self.in_child(work)
            m.cancel()
            caller.join()


class Lost(unittest.TestCase):
    def test_killed_in_a_call(self):
        with hotcell.start() as hc:
            other = hc.launch(support.DOUBLE)
            y = other(x=np.arange(1000.0))
            m = hc.launch(ENDLESS, stdout=lambda text: os.kill(hc._process.pid, signal.SIGKILL), timeout=60)
            for act in (m, m, lambda: other(x=1), lambda: other.report, lambda: hc.launch(support.DOUBLE), lambda: hc.run(support.DOUBLE)):
                with self.assertRaises(hotcell.SupervisorLost) as got:
                    act()
                self.assertIn("signal 9", str(got.exception))
                self.assertTrue(got.exception.ended)
            other.cancel()
            for model in (m, other):
                model.close()
                with self.assertRaises(hotcell.InternalError):
                    model.report
            self.assertEqual(y[999], 1998)
        with self.assertRaises(hotcell.ClosedError):
            hc.launch(support.DOUBLE)

    def test_closed(self):
        hc = hotcell.start()
        m = hc.launch(support.DOUBLE)
        pid = hc._process.pid
        for _ in range(2):
            hc.close()
        self.assertTrue(gone(pid))
        with self.assertRaises(hotcell.ClosedError):
            m(x=1)
        self.assertEqual(m.report.verdict, "ok")

    def test_closed_while_called(self):
        hc, running = hotcell.start(), threading.Event()
        m = hc.launch(ENDLESS, stdout=lambda text: running.set(), timeout=60)
        caller = threading.Thread(target=lambda: self.assertRaises(hotcell.Cancelled, m))
        caller.start()
        self.assertTrue(running.wait(60))
        hc.close()
        caller.join()


class Ends(unittest.TestCase):
    """The supervisor and its models end with the client, however that ends."""

    SCRIPT = """
        import hotcell, os, signal, sys, threading, time
        hc, running = hotcell.start(), threading.Event()
        m = hc.launch("def model():\\n    print('x', flush=True)\\n    while True: pass\\n", stdout=lambda text: running.set(), timeout=60)
        def call():
            try:
                m()
            except hotcell.SupervisorLost:
                pass  # at the end of this process
        threading.Thread(target=call, daemon=True).start()
        running.wait()
        print(hc._process.pid, flush=True)
        """

    def ends(self, script):
        with python(self.SCRIPT + script) as p:
            pid = int(p.stdout.readline())
            rest = p.stdout.read()
            p.wait()
        self.assertTrue(gone(pid))
        return p.returncode, rest

    def test_exit(self):
        self.assertEqual(self.ends("sys.exit(3)"), (3, ""))

    def test_exception(self):
        self.assertEqual(self.ends("sys.stderr = None; 1 / 0")[0], 1)

    def test_killed(self):
        self.assertEqual(self.ends("os.kill(os.getpid(), signal.SIGKILL)")[0], -signal.SIGKILL)

    def test_killed_with_a_child_left(self):
        """A forked child does not keep its parent's supervisor."""
        code, rest = self.ends("""
        sys.stdout.flush()
        r, w = os.pipe()
        if os.fork() == 0:
            os.close(1)
            os.close(w)
            os.read(r, 1)
            time.sleep(0.5)
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)
        """)
        self.assertEqual(code, -signal.SIGKILL)


class Found(unittest.TestCase):
    def setUp(self):
        self.environ = dict(os.environ)
        self.addCleanup(lambda: (os.environ.clear(), os.environ.update(self.environ)))

    def test_where(self):
        real = os.environ.pop("HOTCELL")
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(real, os.path.join(folder, "hotcell"))
            os.environ["PATH"] = "/nowhere"
            self.refused(None, "no hotcell on the PATH")
            os.environ["PATH"] = folder + os.pathsep + self.environ["PATH"]
            with hotcell.start() as hc:
                self.assertEqual(hc._binary, os.path.join(folder, "hotcell"))
                self.assertTrue(hc.version)
            os.environ["HOTCELL"] = "/no/such/hotcell"
            self.refused(None, "/no/such/hotcell ($HOTCELL)")
            with hotcell.start(real):
                pass
            self.refused("/no/such/binary", "/no/such/binary (binary)")

    def refused(self, binary, says):
        before = support.descriptors()
        with self.assertRaises(hotcell.SetupError) as got:
            hotcell.start(binary)
        self.assertIn(says, str(got.exception))
        gc.collect()
        self.assertLessEqual(support.descriptors(), before)

    def test_wrong_programs(self):
        self.refused("/bin/false", "exit code 1")
        self.refused("/bin/cat", "exit code 1")
        self.refused("/bin/ls", "unrecognized option")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "hotcell")
            with open(path, "w", encoding="utf-8") as f:
                f.write("not a program")
            os.chmod(path, 0o755)
            self.refused(path, "Exec format error")
            with open(path, "w", encoding="utf-8") as f:
                f.write("#!/bin/sh\nprintf 'no such \\033[2J host' >&2\nexit 2\n")
            self.refused(path, "exit code 2: no such \\x1b[2J host")
            with open(path, "w", encoding="utf-8") as f:
                f.write("#!/bin/sh\nkill -9 $$\n")
            self.refused(path, "signal 9")


if __name__ == "__main__":
    unittest.main()
