"""Replies, true and false: what a sandbox or a broken supervisor could say is checked before an array is made of it."""

import gc
import itertools
import os
import random
import unittest

import numpy as np
import support
from hotcell import InvalidResult, _results, _wire
from hotcell._results import Results
from hotcell._wire import Ref, Span, WireError

SIZE = 1 << 16


class Case(unittest.TestCase):
    def setUp(self):
        self.fd, self.memory = support.region(np.arange(SIZE // 8, dtype="<f8").tobytes())
        self.results = Results()

    def take(self, values, number=1, size=SIZE, passed=None, fd=None, forget=()):
        """A reply about this test's region, passed when it comes first."""
        if passed is None:
            passed = number != 0 and number not in self.results._regions
        if fd is None and passed:
            fd = os.dup(self.fd)
        return self.results.take(support.reply(values, number, size, passed, forget), fd)


class Made(Case):
    def test_shapes(self):
        ref = Ref("<f8", (2,), 64)
        for values, want in (
            ([("result", 3)], 3),
            ([("result", 3), ("result_1", "x")], (3, "x")),
            ([("result", 3), ("result_2", "x")], {"result": 3, "result_2": "x"}),
            ([("result_1", 3), ("result", 4)], {"result_1": 3, "result": 4}),
            ([("a", None), ("b", 1.5), ("c", 1j), ("d", True)], {"a": None, "b": 1.5, "c": 1j, "d": True}),
            ([], {}),
        ):
            self.assertEqual(repr(self.take(values, 0, 0)), repr(want))
        got = self.take([("result", ref), ("result_1", ref)])
        self.assertEqual([g.tolist() for g in got], [[8.0, 9.0]] * 2)

    def test_layouts(self):
        block = np.arange(SIZE // 8, dtype="<f8")
        for ref, want in (
            (Ref("<f8", (4, 2000), 0), block[:8000].reshape(4, 2000)),
            (Ref("<f8", (4, 2000), 64, True), block[8:8008].reshape((4, 2000), order="F")),
            (Ref("<i8", (3,), 0), block[:3].view("<i8")),
            (Ref(">f8", (3,), 0), block[:3].view(">f8")),
            (Ref("[('a', '<f8'), ('', '|V8'), ('b', '<f4', (2,))]", (2,), 64),
             np.ndarray((2,), {"names": ["a", "b"], "formats": ["<f8", ("<f4", (2,))], "offsets": [0, 16], "itemsize": 24}, block, 64)),
            (Ref("<f8", (0, 5), 128), np.empty((0, 5))),
            (Ref("<f8", (5, 0), 1 << 40), np.empty((5, 0))),
            (Ref("<f8", (1,) * 32, 0), block[:1].reshape((1,) * 32)),
        ):
            got = self.take([("result", ref)])
            np.testing.assert_array_equal(got, want, err_msg=str(ref))
            self.assertEqual((got.dtype, got.shape), (want.dtype, want.shape))
            self.assertEqual(got.flags.f_contiguous, want.flags.f_contiguous)
            self.assertFalse(got.flags.writeable)
            with self.assertRaises(ValueError):
                got.flags.writeable = True
            del got

    def test_numbers(self):
        """An array without axes is its number; times and structures keep their type."""
        for descr, kind in (("<f8", float), ("<f4", float), ("|i1", int), ("|b1", bool), ("<c16", complex), ("|S8", bytes), ("<U2", str),
                            ("<M8[ns]", np.datetime64), ("<m8[s]", np.timedelta64), ("[('a', '<f8')]", np.void)):
            if descr == "<U2":
                self.memory[64:72] = "ab".encode("utf-32-le")
            got = self.take([("result", Ref(descr, (), 64))])
            self.assertIs(type(got), kind, descr)

    def test_texts_of_no_characters(self):
        """numpy does not look at what a text holds before somebody reads it."""
        self.memory[64:72] = b"\x00\x00\x11\x00" * 2
        self.memory[72:80] = b"\x00\x10\xff\xff" * 2
        large = ("x", Ref("<f8", (8000,), 128))
        for values in (
            [("result", Ref("<U2", (), 64))], [("result", Ref("<U2", (), 64)), large], [("result", Ref("<U1", (2, 1), 64))], [("result", Ref("<U2", (2000,), 0))],
            [("result", Ref("[('a', '<i8'), ('b', [('c', '<U1', (2,))])]", (2,), 64))], [("result", Ref("[('a', '<U2', (2,))]", (), 64, True))],
        ):
            with self.assertRaises(InvalidResult) as got:
                self.take(values)
            self.assertFalse(got.exception.ended)
            self.assertEqual(self.results.release, [1])
            self.results.release.clear()
        self.memory[64:72] = b"\xff\xff\x10\x00" * 2
        self.assertEqual(self.take([("result", Ref("<U2", (1,), 64))])[0], "\U0010ffff" * 2)
        with self.assertRaises(InvalidResult):
            self.take([("result", Ref(">U2", (1,), 64))])
        self.memory[64:72] = b"\x00\x10\xff\xff" * 2
        self.assertEqual(self.take([("result", Ref(">U2", (1,), 64))])[0], "\U0010ffff" * 2)
        self.assertEqual(self.take([("result", Ref(">U2", (0,), 64))]).shape, (0,))

    def test_text(self):
        self.memory[64:72] = "aé€\0\x01".encode()
        self.assertEqual(self.take([("a", Span(64, 6)), ("b", Span(0, 0))]), {"a": "aé€", "b": ""})
        # Beside a large array.
        self.assertEqual(self.take([("a", Span(64, 6)), ("b", Ref("<f8", (8000,), 128))])["a"], "aé€")

    def test_overlap_is_copied_once(self):
        """A thousand arrays on the same bytes take no memory of their own."""
        got = self.take([(f"r{i}", Ref("<f8", (512,), 0)) for i in range(1024)])
        self.assertEqual(len({id(a.base) for a in got.values()}), 1)


class Refused(Case):
    def refused(self, *args, **kwargs):
        before = support.descriptors() - {str(kwargs.get("fd"))}
        with self.assertRaises(WireError, msg=f"{args} {kwargs}"):
            self.take(*args, **kwargs)
        self.results = Results()
        self.assertLessEqual(support.descriptors(), before, f"{args} {kwargs}")

    def test_references(self):
        for ref in (
            Ref("<f8", (SIZE // 8 + 1,), 0), Ref("<f8", (SIZE // 8,), 64), Ref("<f8", (1,), SIZE), Ref("<f8", (1,), -64), Ref("<f8", (1,), 8),
            Ref("<f8", (1,), (1 << 63) - 64), Ref("<f8", (-1,), 0), Ref("<f8", (-1, -1), 0), Ref("<f8", (1 << 61,), 0), Ref("<f8", (1 << 62, 4), 0),
            Ref("<f8", (1 << 32, 1 << 32), 0), Ref("<f8", (0, 1 << 62), 0), Ref("<f8", (1 << 62, 4, 0), 0), Ref("<f8", (0,), -64), Ref("<f8", (0,), 1),
            Ref("|S1048576", (), 0), Ref("|O", (1,), 0), Ref("|V8", (1,), 0), Ref("<f16", (1,), 0), Ref("<u1", (1,), 0), Ref("[('a', '|O')]", (1,), 0),
            Ref("", (1,), 0), Ref("[", (1,), 0),
        ):
            self.refused([("result", ref)])
            self.refused([("x", 1), ("result", ref)])

    def test_text(self):
        self.memory[:2] = b"\xff\xfe"
        for span in (Span(0, 2), Span(0, SIZE + 1), Span(SIZE, 1), Span((1 << 64) - 1, 2), Span(1, (1 << 64) - 1)):
            self.refused([("result", span)])
        # Texts that overlap would be copied once for each.
        self.refused([(f"t{i}", Span(64, SIZE - 64)) for i in range(1 + (1 << 20) // (SIZE - 64))])

    def test_names(self):
        for name in ("", "1a", "a b", "a" * 65, "é", "a\n", "a.b", "__class__ "):
            self.refused([(name, 1)], 0, 0)
        self.refused([("a", 1), ("a", 2)], 0, 0)
        self.refused([(f"a{i}", None) for i in range(1025)], 0, 0)

    def test_regions(self):
        pipe = os.pipe()
        self.addCleanup(os.close, pipe[0])
        self.addCleanup(os.close, pipe[1])
        unsealed = os.memfd_create("test", os.MFD_ALLOW_SEALING)
        os.ftruncate(unsealed, SIZE)
        self.addCleanup(os.close, unsealed)
        values = [("result", Ref("<f8", (3,), 0))]
        for name, kwargs in {
            "unknown": {"passed": False},
            "no descriptor": {"passed": True, "fd": -1},
            "unasked descriptor": {"passed": False, "fd": self.fd},
            "number 0": {"number": 0},
            "number 0, not passed": {"number": 0, "passed": False},
            "arrays without a region": {"number": 0, "size": 0},
            "too large": {"size": SIZE + 1},
            "too small": {"size": SIZE - 64},
            "size 0": {"size": 0},
            "huge": {"size": (1 << 64) - 1},
            "a pipe": {"fd": pipe[0]},
            "a memory file that can shrink": {"fd": unsealed},
            "a file": {"fd": os.open(__file__, os.O_RDONLY)},
        }.items():
            fd = kwargs.pop("fd", None)
            with self.subTest(name):
                if fd == -1:
                    payload = support.reply(values, 1, SIZE, True)
                    with self.assertRaises(WireError):
                        self.results.take(payload, None)
                else:
                    self.refused(values, **kwargs, fd=None if fd is None else os.dup(fd))
        # A region that is passed a second time, or of another size the next time.
        self.take(values)
        self.refused(values, passed=True)
        self.take(values)
        self.refused(values, size=SIZE // 2)

    def test_held(self):
        """A reply in memory that an array still shows would change it under the host's eyes."""
        values = [("result", Ref("<f8", (8000,), 0))]
        kept = self.take(values)
        for other in (values, [("result", 1)], [("result", Ref("<f8", (1,), 0))]):
            with self.assertRaises(WireError):
                self.take(other)
        self.assertEqual(kept[7999], 7999)

    def test_random(self):
        """No reply makes anything but a result or a WireError."""
        rng = random.Random(1)
        good = support.reply([("a", Ref("<f8", (3, 4), 64)), ("b", Span(0, 8)), ("c", 5), ("d", Ref("|S3", (2,), 128))], 1, SIZE, True)
        outcomes = set()
        for _ in range(20000):
            frame = bytearray(good)
            for _ in range(rng.randrange(1, 4)):
                frame[rng.randrange(len(frame))] = rng.choice((0, 1, 2, 6, 0x40, 0x7F, 0x80, 0xFF, rng.randrange(256)))
            try:
                Results().take(bytes(frame), os.dup(self.fd))
                outcomes.add("result")
            except WireError:
                outcomes.add("error")
        self.assertEqual(outcomes, {"result", "error"})


class Released(Case):
    """The supervisor may write a region again when the last view of its arrays is gone, and not before."""

    LARGE = Ref("<f8", (1000,), 0)

    def test_small_is_copied(self):
        got = self.take([("result", Ref("<f8", (3,), 64))])
        self.assertEqual(self.results.release, [1])
        self.memory[64:72] = b"\xff" * 8
        self.assertEqual(got.tolist(), [8.0, 9.0, 10.0])

    def test_nothing_of_it(self):
        self.take([("result", 5)])
        self.assertEqual(self.results.release, [1])

    def test_views(self):
        for make in (
            lambda a: a, lambda a: a[1:], lambda a: a[1:][::2][3:], lambda a: a.reshape(10, 100).T, lambda a: a.view("u1"), lambda a: memoryview(a),
            lambda a: np.asarray(a), lambda a: a.view(np.recarray), lambda a: np.frombuffer(a, "u1"), lambda a: iter(a), lambda a: np.ndarray((3,), "f8", a),
            lambda a: a[None][0], lambda a: np.broadcast_to(a, (3, 1000)), lambda a: a.flat,
        ):
            for values, pick in (
                ([("result", self.LARGE)], lambda r: r),
                ([("result", self.LARGE), ("result_1", Ref("<f8", (1000,), 8000 // 64 * 64))], lambda r: r[0]),
                ([("result", self.LARGE), ("result_1", Ref("<f8", (0,), 0)), ("result_2", Ref("<f8", (), 0))], lambda r: r[0]),
                ([("result", Ref("<f8", (0,), 0)), ("result_1", self.LARGE), ("result_2", Span(64, 8))], lambda r: r[1]),
            ):
                view = make(pick(self.take(values)))
                gc.collect()
                self.assertEqual(self.results.release, [])
                del view
                gc.collect()
                self.assertEqual(self.results.release, [1])
                self.results.release.clear()

    def test_valid_after_the_client_forgot(self):
        got = self.take([("result", self.LARGE)])
        self.results = None
        os.close(os.dup(self.fd))
        gc.collect()
        self.assertEqual(got.sum(), 499500.0)

    def test_forgotten(self):
        got = self.take([("result", self.LARGE)])
        fd, memory = support.region(bytes(4096))
        self.results.take(support.reply([("result", Ref("<f8", (1,), 0))], 2, 4096, True, [1, 77]), os.dup(fd))
        self.assertEqual(got[999], 999)
        del got, memory
        with self.assertRaises(WireError):
            self.take([("result", 5)], passed=False)

    def test_memory_cannot_be_closed(self):
        got = self.take([("result", self.LARGE)])
        base = got
        while isinstance(base, np.ndarray):
            base = base.base
        for end in (base.close, lambda: base.resize(1), lambda: base.__exit__(None, None, None)):
            try:
                end()
            except BufferError:
                pass
            self.assertEqual(got[999], 999)

    def test_many_are_copied(self):
        """A host that keeps all results does not run into the supervisor's bound."""
        kept = []
        for n in range(1, 300):
            fd, memory = support.region(np.full(SIZE // 8, n, "<f8").tobytes())
            kept.append(self.results.take(support.reply([("result", Ref("<f8", (1000,), 0))], n, SIZE, True), os.dup(fd)))
        self.assertEqual([a[0] for a in kept], list(range(1, 300)))
        self.assertEqual(len(self.results._held), _results._MAX_HELD)
        self.assertEqual(self.results.release, list(range(_results._MAX_HELD + 1, 300)))
        kept.clear()
        gc.collect()
        self.assertEqual(sorted(self.results.release), list(range(1, 300)))

    def test_same_reply(self):
        """A reply like the one before is not read again, but its memory is looked at again."""
        values = [("result", Ref("<f8", (2,), 0))]
        for n in itertools.islice(itertools.count(), 4):
            self.memory[:8] = np.float64(n).tobytes()
            self.assertEqual(self.take(values)[0], n)


class Read(unittest.TestCase):
    def test_bad_reply(self):
        for payload in (b"", b"\0" * 3, support.reply([], 0, 0)[:-1], support.reply([], 0, 0) + b"\0"):
            with self.assertRaises(WireError):
                Results().take(payload, None)

    def test_axes(self):
        with self.assertRaises(WireError):
            _wire.read_reply(support.reply([("r", Ref("<f8", (1,) * 33, 0))]))


if __name__ == "__main__":
    unittest.main()
