"""Functions of the host application that a model calls."""

import asyncio
import logging
import threading
import unittest

import hotcell
import hotcell.aio
import numpy as np
import support
from hotcell import _functions, _memory, _wire
from hotcell._wire import Ref, Span

CALLS = """
import hotcell
import numpy as np


def model(which="", x=None, n=1):
    try:
        if which == "args":
            return hotcell.f(1, "two", None, x, by=2.5, at=np.arange(4)[::2])
        if which == "long":
            return hotcell.f("y" * n)
        return hotcell.f()
    except hotcell.FunctionError as e:
        return "failed: " + str(e)
"""

FAILED = "failed: the host's function f failed"


class Real(support.ModelTest):
    def setUp(self):
        logging.getLogger("hotcell").addFilter(self.quiet)
        self.addCleanup(logging.getLogger("hotcell").removeFilter, self.quiet)

    @staticmethod
    def quiet(record):
        return False

    def calling(self, f, **options):
        return self.launch(CALLS, functions={"f": f}, **options)

    def test_arguments(self):
        got = []
        m = self.calling(lambda *a, **k: got.append((a, k)))
        m(which="args", x=np.ones((2, 3), order="F"))
        (one, two, none, x), named = got[0]
        self.assertEqual((one, two, none, named["by"], named["at"].tolist()), (1, "two", None, 2.5, [0, 2]))
        np.testing.assert_array_equal(x, np.ones((2, 3)))
        m(which="long", n=100_000)
        self.assertEqual(got[1][0], ("y" * 100_000,))

    def test_results(self):
        for value in (None, True, 7, 1 << 70, 2.5, 1j, "text", "y" * 100_000, np.arange(6.0).reshape(2, 3), np.asfortranarray(np.ones((2, 3))),
                      np.arange(10)[::3], np.empty((0, 3)), np.float32(1.5), b"bytes"):
            with self.subTest(value):
                got = self.calling(lambda value=value: value)()
                if isinstance(value, bytes):
                    value = np.frombuffer(value, "u1")
                np.testing.assert_array_equal(got, value)

    def test_failures(self):
        def raises():
            raise ValueError("secret")

        for name, f in {
            "raises": raises, "takes none": lambda x: x, "a list": lambda: [1], "an object": object, "objects": lambda: np.array([None]),
            "a long text": lambda: "y" * ((1 << 20) + 1), "a large array": lambda: np.zeros((2 << 20) + 1), "a large integer": lambda: 1 << (1 << 20),
        }.items():
            with self.subTest(name):
                m = self.calling(f)
                self.assertEqual(m(), FAILED)
                self.assertEqual(m(), FAILED)  # and the model goes on

    def test_logged(self):
        with self.assertLogs("hotcell") as logs:
            logging.getLogger("hotcell").removeFilter(self.quiet)
            self.calling(lambda: 1 / 0)()
        self.assertIn("ZeroDivisionError", logs.output[0])

    def test_not_the_model(self):
        """A function cannot call the model that waits for it, but ask how it does."""
        got = []
        models = []

        def f():
            got.append(models[0].report.usage.operations)
            models[0]()

        models.append(self.calling(f))
        self.assertEqual(models[0](), FAILED)
        self.assertEqual(len(got), 1)

    def test_at_launch(self):
        m = self.launch("import hotcell\nx = hotcell.f()\n\n\ndef model():\n    return x\n", functions={"f": lambda: 5})
        self.assertEqual(m(), 5)

    def test_between_calls(self):
        """Nobody listens then."""
        source = """
import hotcell, threading, time

got = []
go = threading.Event()


def work():
    go.wait()
    time.sleep(0.2)
    try:
        got.append(hotcell.f())
    except hotcell.FunctionError as e:
        got.append("failed: " + str(e))


threading.Thread(target=work, daemon=True).start()


def model(wait=False):
    if wait:
        while not got:
            time.sleep(0.01)
        return got[0]
    go.set()
"""
        m = self.launch(source, functions={"f": lambda: 5})
        m()
        threading.Event().wait(0.5)
        self.assertEqual(m(wait=True), FAILED)

    def test_interrupt(self):
        def f():
            raise KeyboardInterrupt

        m = self.calling(f)
        with self.assertRaises(KeyboardInterrupt):
            m()
        with self.assertRaises(hotcell.Cancelled):
            m()

    def test_policy(self):
        """A rule may refuse a function that the host gives."""
        m = self.calling(lambda: 5, policy='[[operation]]\nkind = "call"\nfunction = "f"\ndecision = "deny"\n')
        self.assertIn("calling f is not allowed", m())

    def test_names(self):
        for name in ("empty", "_f", "a b", ""):
            with self.subTest(name), self.assertRaises(hotcell.SetupError):
                self.launch(support.DOUBLE, functions={name: len})
        for functions in ({"f": 5}, {5: len}):
            with self.subTest(functions), self.assertRaises(TypeError):
                self.launch(support.DOUBLE, functions=functions)

    def test_asyncio(self):
        async def f(x):
            await asyncio.sleep(0.01)
            return x + 1

        async def main():
            async with hotcell.aio.start() as hc:
                return await hc.run("import hotcell\n\n\ndef model():\n    return hotcell.f(1)\n", {"functions": {"f": f}})

        self.assertEqual(asyncio.run(main()), 2)


def delegate(args, size=0, name="f"):
    e = support.Encoder()
    e.text(name)
    e.args(args, len(args))
    e.u64(size)
    return e.payload()


class Lies(support.FakeTest):
    def play(self, *messages):
        """A call in which these come, and then a reply; gives the answers to them."""
        answers = []

        def script(peer):
            peer.launched()
            peer.want(_wire.REQUEST)
            for message in messages:
                peer.send(*message, seq=9)
                answers.append(peer.want(_wire.DELIVERED))
            peer.send(_wire.REPLY, support.reply([("result", 1)]))
            peer.closing()

        m = self.model(script, functions={"f": lambda *a, **k: len(a)})
        try:
            m(x=1)
        finally:
            m.close()
        return answers

    def test_answered(self):
        fd = _memory.frozen(bytes(64) + b"text", "arguments")
        seq, payload = self.play((_wire.DELEGATE, delegate([("_0", Ref("<f8", (8,), 0)), ("_1", Span(64, 4)), ("x", 1)], 68), [fd]))[0]
        self.assertEqual((seq, payload), (9, _wire.delivered_frame(False, 2, 0, 9)[8:]))

    def test_lies(self):
        fd = _memory.frozen(bytes(64), "arguments")
        for name, message in {
            "another function": (delegate([], name="g"),),
            "half": (delegate([])[:-1],),
            "no descriptor": (delegate([], 64),),
            "a descriptor": (delegate([]), [fd]),
            "another size": (delegate([], 63), [fd]),
            "a huge size": (delegate([], 1 << 40), [fd]),
            "beyond": (delegate([("_0", Ref("<f8", (9,), 0))], 64), [fd]),
            "not aligned": (delegate([("_0", Ref("<f8", (1,), 8))], 64), [fd]),
            "objects": (delegate([("_0", Ref("|O", (1,), 0))], 64), [fd]),
            "a text beyond": (delegate([("_0", Span(60, 5))], 64), [fd]),
            "a name": (delegate([("a b", 1)]),),
            "twice": (delegate([("a", 1), ("a", 2)]),),
            "a list": (delegate([("a", [1])]),),
        }.items():
            with self.subTest(name), self.assertRaises(hotcell.InternalError):
                self.play((_wire.DELEGATE, *message))

    def test_not_asked_for(self):
        """A model without functions calls none."""

        def script(peer):
            peer.launched()
            peer.want(_wire.REQUEST)
            peer.send(_wire.DELEGATE, delegate([]))

        with self.assertRaises(hotcell.InternalError):
            self.model(script)(x=1)


class Given(unittest.TestCase):
    def test_places(self):
        """Arguments by place are those named in order from _0; all others go by name."""
        got = []
        f = lambda *a, **k: got.append((a, k))  # noqa: E731
        _functions.run({"f": f}, delegate([("_0", 1), ("_1", 2), ("_3", 3), ("b", 4)]), None, 1)
        self.assertEqual(got, [((1, 2), {"_3": 3, "b": 4})])


if __name__ == "__main__":
    unittest.main()
