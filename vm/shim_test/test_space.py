"""Regions of the supervisor as a model sees them: which bytes, for how long, at which addresses."""

import array
import ctypes
import errno
import itertools
import os
import resource
import signal
import sys
import unittest
from unittest import mock

import golden
import numpy
from _hotcell import arrays, kernel, model, space, wire

PAGE = space.PAGE


class Mapped(unittest.TestCase):
    """Tests with addresses of their own."""

    base = 0x200000000000

    def setUp(self):
        Mapped.base += 1 << 40
        self.space = space.Space(self.base)
        self.addCleanup(self.unmap)

    def unmap(self):
        self.space.ends.clear()
        kernel.unmap(self.base, max(PAGE, self.space.next - self.base))

    def mappings(self):
        """The mappings in the range: [(begin, end, protection, path)], the path being empty for memory of our own."""
        found = []
        with open("/proc/self/maps") as f:
            for line in f:
                addresses, protection, _, _, _, *path = line.split()
                begin, end = (int(a, 16) for a in addresses.split("-"))
                if self.base <= begin < self.base + (1 << 40):
                    found.append((begin, end, protection, "".join(path)))
        return found

    def call(self, number, data, ref=None):
        """The array of a call that passes a region."""
        region = wire.Region(number, len(data), True)
        self.space.take([region], [golden.memfd(data)])
        return self.again(number, len(data), ref)

    def again(self, number, size, ref=None):
        """The array of a call that names a region by its number."""
        ref = ref or wire.Ref("|u1", (size,), 0)
        return self.space.arguments([("x", ref)], [wire.Region(number, size, False)]).give()["x"]


# Of a region that ends within a page; parts of it, around each kind of edge.
LENGTH = 4 * PAGE + 100
OFFSETS = 0, 1, 100, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE - 8, 2 * PAGE, 4 * PAGE - 1, 4 * PAGE, LENGTH - 1, LENGTH
SIZES = 0, 1, 8, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE - 1, 2 * PAGE, 2 * PAGE + 2, 3 * PAGE
PARTS = [(o, s) for o in OFFSETS for s in (*SIZES, LENGTH - o) if o + s <= LENGTH]


class Exact(Mapped):
    """A part of a region, byte by byte."""

    def setUp(self):
        super().setUp()
        self.region = golden.counting(LENGTH)
        self.fd = golden.memfd(self.region)
        self.addCleanup(os.close, self.fd)

    def test_bytes(self):
        for offset, size in PARTS:
            with self.subTest(offset=offset, size=size):
                self.check(offset, size)
        with golden.without_numpy():
            for offset, size in PARTS:
                with self.subTest(offset=offset, size=size, numpy=False):
                    self.check(offset, size)

    def check(self, offset, size):
        fd = os.dup(self.fd)
        view, at = self.space.exact(fd, offset, size)
        self.assertFalse(golden.is_open(fd), "the descriptor is left open")
        self.assertTrue(view.readonly)
        self.assertEqual(bytes(view[at : at + size]), self.region[offset : offset + size])
        # What a neighbour has on the same pages is nowhere.
        self.assertEqual(bytes(view[:at]).strip(b"\0") + bytes(view[at + size :]).strip(b"\0"), b"")
        mapped = self.mappings()
        if size == 0:
            self.assertEqual((len(view), mapped), (0, []))
            return
        begin, end = mapped[0][0], mapped[-1][1]
        # The view is all that is mapped, and nobody may write it.
        self.assertEqual((len(view), sum(m[1] - m[0] for m in mapped)), (end - begin, end - begin))
        self.assertEqual({m[2][:3] for m in mapped}, {"r--"})
        # The region's own pages are those that the part fills.
        whole = range(-(-offset // PAGE), (offset + size) // PAGE)
        shared = [(m[1] - m[0]) // PAGE for m in mapped if "memfd" in m[3]]
        self.assertEqual(sum(shared), len(whole))
        del view
        self.assertEqual(self.mappings(), [])

    def test_changes_show(self):
        """Whole pages are the region's: what the host writes there shows, what it writes beside shows nowhere."""
        view, at = self.space.exact(os.dup(self.fd), 10, 2 * PAGE)
        want = bytes(view)
        os.pwrite(self.fd, b"\xff" * PAGE, PAGE)
        os.pwrite(self.fd, b"\xff" * 10, 0)
        os.pwrite(self.fd, b"\xff" * 100, 2 * PAGE + 10)
        self.assertEqual(bytes(view), want[:PAGE] + b"\xff" * PAGE + want[2 * PAGE :])

    def test_write_ends_the_process(self):
        view, at = self.space.exact(os.dup(self.fd), 10, 2 * PAGE)
        for begin, _, _, _ in self.mappings():
            pid = os.fork()
            if pid == 0:
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
                signal.signal(signal.SIGSEGV, signal.SIG_DFL)
                ctypes.memset(begin, 0, 1)
                os._exit(0)
            _, status = os.waitpid(pid, 0)
            self.assertTrue(os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSEGV, status)

    def test_failure_gives_back(self):
        for step in "map_memory", "map_over", "protect":
            fd = os.dup(self.fd)
            error = OSError(errno.ENOMEM, "no memory")
            with mock.patch.object(kernel, step, side_effect=error), self.assertRaises(OSError):
                self.space.exact(fd, 10, 2 * PAGE)
            self.assertFalse(golden.is_open(fd))
            self.assertEqual((self.mappings(), self.space.ends), ([], {}))
        self.assertEqual(self.space.next, self.base + space.span(3 * PAGE))

    def test_bind(self):
        """Parts and whole regions among the arguments of a launch."""
        whole = golden.memfd(self.region)
        fds = [os.dup(self.fd), whole, os.dup(self.fd), os.dup(self.fd)]
        given = list(fds)
        regions = [
            wire.Region(1, LENGTH, True), wire.Region(2, LENGTH, True), wire.Region(3, LENGTH, True),
            wire.Region(2, LENGTH, False), wire.Region(5, LENGTH, True),
        ]
        inputs = self.space.bind(
            [
                ("part", wire.Ref("<u2", (2, 5), 7)), ("n", 5), ("whole", wire.Ref("|u1", (LENGTH,), 0)),
                ("first", wire.Ref("|u1", (3,), 0)), ("again", wire.Ref("|u1", (LENGTH,), 0)), ("none", wire.Ref("<f8", (0,), 8)),
            ],
            regions, fds,
        ).give()
        self.assertEqual(list(inputs), ["part", "n", "whole", "first", "again", "none"])
        self.assertEqual((inputs["part"].tobytes(), inputs["part"].shape), (self.region[7:27], (2, 5)))
        self.assertEqual((inputs["n"], inputs["first"].tobytes(), inputs["none"].size), (5, self.region[:3], 0))
        self.assertEqual((inputs["whole"].tobytes(), inputs["again"].tobytes()), (self.region, self.region))
        self.assertEqual([golden.is_open(fd) for fd in given], [False] * 4)
        # A part has no number that a call could name.
        self.assertEqual(list(self.space.regions), [2])
        with self.assertRaisesRegex(wire.WireError, "without the descriptor"):
            self.space.bind([("part", wire.Ref("|u1", (1,), 7))], [wire.Region(1, 9, True)], [])


class Arrays(Mapped):
    """Whole regions as arrays."""

    def test_numpy(self):
        for number, value in enumerate(
            (
                numpy.arange(6, dtype="f8"),
                numpy.arange(6, dtype=">i2").reshape(2, 3),
                numpy.asfortranarray(numpy.arange(6.0).reshape(2, 3)),
                numpy.array(2.5),
                numpy.zeros((3, 0, 2)),
                numpy.array([b"ab", b"c"]),
                numpy.array(["é"]),
                numpy.array(["2020-01-01"], "M8[25s]"),
                numpy.zeros(2, numpy.dtype([("a", "i1"), ("it's", "f4", (2,))], align=True)),
                numpy.arange(10000.0),
            )
        ):
            fortran = value.flags.f_contiguous and not value.flags.c_contiguous
            descr = arrays.describe_dtype("x", value.dtype)
            got = self.call(number, value.tobytes("F" if fortran else "C"), wire.Ref(descr, value.shape, 0, fortran))
            numpy.testing.assert_array_equal(got, value)
            self.assertEqual((got.dtype, got.flags.writeable, got.flags.f_contiguous), (value.dtype, False, value.flags.f_contiguous))
            with self.assertRaisesRegex(ValueError, "read-only"):
                got[...] = 0
            self.stays_read_only(got)

    def stays_read_only(self, got):
        """What the kernel refuses to write, numpy refuses to call writeable."""
        for view in (got, got.view(), got.T, got[...]):
            with self.assertRaisesRegex(ValueError, "cannot set WRITEABLE flag"):
                view.flags.writeable = True
            with self.assertRaisesRegex(ValueError, "cannot set WRITEABLE flag"):
                view.setflags(write=True)
        while got is not None:
            with self.assertRaisesRegex(ValueError, "read-only"):
                numpy.ndarray((0,), "u1", got)[...] = 0
            got = getattr(got, "base", None)

    def test_offset(self):
        got = self.call(1, bytes(64) + numpy.arange(3.0).tobytes(), wire.Ref("<f8", (3,), 64))
        self.assertEqual(got.tolist(), [0, 1, 2])

    def test_without_numpy(self):
        with golden.without_numpy():
            numbers = itertools.count()
            for code, descr in zip("?bBhHiIqQfd", "|b1 |i1 |u1 <i2 <u2 <i4 <u4 <i8 <u8 <f4 <f8".split()):
                data = array.array("B", [0, 1] * 24).tobytes()
                view = memoryview(data).cast(code)
                got = self.call(next(numbers), data, wire.Ref(descr, (len(view),), 0))
                self.assertEqual((got.format, got.tolist(), got.readonly), (code, view.tolist(), True))
                if len(view) % 2 == 0:
                    got = self.call(next(numbers), data, wire.Ref(descr, (2, len(view) // 2), 0))
                    self.assertEqual(got.tolist(), view.cast("B").cast(code, (2, len(view) // 2)).tolist())
            got = self.call(next(numbers), bytes(8), wire.Ref("<f8", (), 0))
            self.assertEqual((got.shape, got.tolist()), ((), 0.0))
            self.assertEqual(len(self.call(next(numbers), b"", wire.Ref("<f8", (0,), 0))), 0)
            # Order does not matter where there is one axis at most.
            self.assertEqual(self.call(next(numbers), bytes(8), wire.Ref("<i4", (2,), 0, True)).tolist(), [0, 0])
            for ref in (wire.Ref(">f8", (1,), 0), wire.Ref("<f2", (4,), 0), wire.Ref("|S8", (1,), 0), wire.Ref("[('a', '<f8')]", (1,), 0)):
                with self.assertRaisesRegex(arrays.UnusableInput, "needs numpy, which this interpreter does not have"):
                    self.call(next(numbers), bytes(8), ref)
            with self.assertRaisesRegex(arrays.UnusableInput, "Fortran order needs numpy"):
                self.call(next(numbers), bytes(32), wire.Ref("<f8", (2, 2), 0, True))

    def test_output(self):
        fd = golden.memfd(b"", 5000)
        output = self.space.map(fd, 5000, True)
        output[4999] = 7
        self.assertEqual((len(output), output.readonly, golden.is_open(fd)), (5000, False, False))
        # It lasts as long as an array in it, which without a view holds what is behind it.
        for make in (lambda v: numpy.ndarray((8,), "u1", v, 4992), lambda v: v[4992:]):
            with mock.patch.dict(sys.modules):
                output = self.space.map(golden.memfd(b"", 5000), 5000, True)
                got = make(output)
                del output
                got[7] = 7
                self.assertEqual(bytes(got), bytes(7) + b"\7")
                del got
        self.assertEqual(self.mappings(), [])

    def test_order_of_failures(self):
        """An input that this interpreter cannot take does not lose the regions behind it."""
        args = [("a", wire.Ref(">f8", (1,), 0)), ("b", wire.Ref("|u1", (8,), 0))]
        fds = [golden.memfd(bytes(8)), golden.memfd(golden.counting(8))]
        with golden.without_numpy():
            self.space.take([wire.Region(1, 8, True), wire.Region(2, 8, True)], fds)
            with self.assertRaises(arrays.UnusableInput):
                self.space.arguments(args, [wire.Region(1, 8, False), wire.Region(2, 8, False)])
            self.assertEqual((bytes(self.again(2, 8)), fds), (golden.counting(8), []))


class Lifetime(Mapped):
    """Mappings end with the arrays on them, and their addresses are used again."""

    def both(self, check):
        check()
        with golden.without_numpy():
            check()

    def test_ends_with_the_last_array(self):
        def check():
            first = self.call(1, golden.counting(3 * PAGE))
            second, part = self.again(1, 3 * PAGE), first[10:20]
            deeper = memoryview(part)
            self.space.forget([1])
            for name in "first", "second", "part":
                self.assertEqual(len(self.mappings()), 1, name)
                first = None
                second = second if name == "first" else None
                part = part if name != "part" else None
            self.assertEqual(bytes(deeper), golden.counting(20)[10:])
            self.assertEqual(len(self.mappings()), 1)
            deeper = None
            self.assertEqual((self.mappings(), self.space.ends), ([], {}))

        self.both(check)

    def test_region_is_kept(self):
        """While its number may be named, a region stays mapped without any array on it."""

        def check():
            data = golden.counting(PAGE)
            address = None
            for _ in range(3):
                got = self.call(1, data) if address is None else self.again(1, PAGE)
                self.assertEqual(bytes(got), data)
                ((at, _, _, _),) = self.mappings()
                self.assertIn(address, (None, at))
                address = at
                del got
            self.space.forget([1, 99])
            self.assertEqual(self.mappings(), [])

        self.both(check)

    def test_named_without_descriptor(self):
        self.call(1, bytes(8))
        self.space.forget([1])
        for number in 1, 2:
            with self.assertRaisesRegex(wire.WireError, f"region {number} was never passed"):
                self.again(number, 8)
        with self.assertRaisesRegex(wire.WireError, "without the descriptor"):
            self.space.take([wire.Region(3, 8, True)], [])

    def test_passed_again(self):
        """A number that is passed anew means the new region; arrays on the old one stay."""

        def check():
            old = self.call(1, b"a" * 8)
            new = self.call(1, b"b" * 8)
            self.assertEqual((bytes(old), bytes(new), bytes(self.again(1, 8))), (b"a" * 8, b"b" * 8, b"b" * 8))
            self.assertEqual(len(self.mappings()), 2)
            old = None
            self.assertEqual(len(self.mappings()), 1)
            new = None
            self.space.forget([1])

        self.both(check)

    def test_ever_new_regions(self):
        """Ten thousand calls take no more addresses than the first few, and an array that is kept is not touched."""

        def check():
            kept = self.call(0, golden.counting(100))
            self.space.forget([0])
            ahead = None
            for number in range(1, 10001):
                data = number.to_bytes(4, "little") * (1 + number % 1500)
                got = self.call(number, data)
                self.assertEqual(got.tobytes() if hasattr(got, "tobytes") else bytes(got), data)
                got = None
                self.space.forget([number])
                if number == 1500:
                    ahead = self.space.next
            self.assertEqual(self.space.next, ahead)
            self.assertLess(ahead - self.base, 64 * PAGE)
            self.assertEqual(bytes(kept), golden.counting(100))
            self.assertEqual((len(self.mappings()), len(self.space.ends), len(self.space.regions)), (1, 1, 0))
            kept = None

        self.both(check)

    def test_ever_larger_regions(self):
        """Growing arrays take addresses for each eighth that they grow, not for each length."""
        spans = {space.span(size) for size in range(1, 1 << 24, 1000)}
        self.assertLess(len(spans), 100)
        for size in (1, PAGE - 1, PAGE, PAGE + 1, 10 * PAGE, 16 * PAGE, 17 * PAGE, 10**6, 10**9 + 1, 1 << 40):
            pages = -(-size // PAGE) * PAGE
            self.assertEqual(space.span(size) % PAGE, 0)
            self.assertGreaterEqual(space.span(size), pages + PAGE, "no free page behind the mapping")
            self.assertLessEqual(space.span(size), (pages + PAGE) * 9 / 8 + PAGE)

    def test_nothing_behind(self):
        """Behind the last page of each mapping is none."""
        views = [self.space.map(golden.memfd(b"", size), size, False) for size in (1, PAGE, PAGE + 1, 5 * PAGE)]
        mapped = self.mappings()
        self.assertEqual([m[1] - m[0] for m in mapped], [PAGE, PAGE, 2 * PAGE, 5 * PAGE])
        for one, other in zip(mapped, mapped[1:]):
            self.assertGreaterEqual(other[0] - one[1], PAGE)
        self.assertEqual(len(views), 4)

    def test_empty(self):
        for writable in False, True:
            fd = golden.memfd(b"")
            view = self.space.map(fd, 0, writable)
            self.assertEqual((len(view), view.readonly, golden.is_open(fd)), (0, not writable, False))
        self.assertEqual((self.space.next, self.mappings()), (self.base, []))


class Failures(Mapped):
    def test_no_memory(self):
        """What could not be mapped is a MemoryError, in later calls too; the rest is there."""
        fds = [golden.memfd(bytes(8)), golden.memfd(golden.counting(8))]
        given = list(fds)
        regions = [wire.Region(1, 8, True), wire.Region(2, 8, True)]
        real = kernel.map_region
        errors = iter([OSError(errno.ENOMEM, "mmap of 8 bytes: Cannot allocate memory"), None])

        def map_region(*args):
            error = next(errors)
            if error:
                raise error
            return real(*args)

        with mock.patch.object(kernel, "map_region", map_region), self.assertRaises(OSError) as caught:
            self.space.take(regions, fds)
        self.assertEqual(model.describe(caught.exception).cause, model.MEMORY)
        self.assertEqual([golden.is_open(fd) for fd in given], [False, False])
        self.assertEqual(bytes(self.again(2, 8)), golden.counting(8))
        for _ in range(2):
            with self.assertRaises(MemoryError):
                self.again(1, 8)
        self.assertEqual(bytes(self.call(1, b"a" * 8)), b"a" * 8)
        # The addresses of the failure were given to the next mapping.
        self.assertEqual(self.space.next, self.base + 2 * space.span(8))

    def test_taken_address(self):
        """Where the model has mapped something itself, nothing of it is touched and nothing is tried again."""
        kernel.map_memory(PAGE, self.base)
        kernel.writable_view(self.base, PAGE)[:4] = b"mine"
        for map_it in (
            lambda: self.call(1, bytes(8)),
            lambda: self.space.exact(golden.memfd(bytes(3 * PAGE)), 10, 8),
        ):
            self.space.next = self.base
            with self.assertRaises(OSError) as caught:
                map_it()
            self.assertEqual(caught.exception.errno, errno.EEXIST)
            self.assertEqual(bytes(kernel.writable_view(self.base, 4)), b"mine")
            self.assertEqual(self.space.free, {})
            self.assertEqual(bytes(self.call(2, b"a" * 8)), b"a" * 8)


class Own(Mapped):
    """What a model does to an input in place is not to be seen in the next call."""

    def test_values(self):
        given = [1, [2, {"a": [3]}], {}]
        bound = self.space.bind([("deep", given), ("n", 5), ("text", "abc")], [], [])
        inputs = self.space.arguments([("list", [1]), ("dict", {"a": 1})], [], bound)
        for _ in range(2):
            got = inputs.give()
            self.assertEqual(got, {"deep": [1, [2, {"a": [3]}], {}], "n": 5, "text": "abc", "list": [1], "dict": {"a": 1}})
            self.assertEqual(list(got), ["deep", "n", "text", "list", "dict"])
            got["deep"][1][1]["a"].append(4)
            got["deep"].clear()
            got["list"].append(2)
            got["dict"].clear()
            got.clear()

    def test_arrays(self):
        ref, structure = wire.Ref("<i4", (6,), 0), wire.Ref("[('a', '<i4'), ('b', '<i4')]", (3,), 0)
        self.call(1, bytes(24))
        region = wire.Region(1, 24, False)
        inputs = self.space.arguments([("x", ref), ("s", structure)], [region, region])
        for _ in range(2):
            got = inputs.give()
            self.assertEqual((got["x"].shape, got["x"].dtype.str, got["s"].dtype.names), ((6,), "<i4", ("a", "b")))
            got["x"].shape = 2, 3
            got["x"].dtype = "<f4"
            got["s"].dtype.names = "c", "d"

    def test_released(self):
        with golden.without_numpy():
            self.call(1, golden.counting(8))
            inputs = self.space.arguments([("x", wire.Ref("<i4", (2,), 0)), ("y", wire.Ref("<i4", (), 0))], [wire.Region(1, 8, False)] * 2)
            for _ in range(2):
                got = inputs.give()
                self.assertEqual((got["x"].nbytes, got["y"].nbytes), (8, 4))
                got["x"].release()
                got["y"].release()

    def test_known_arrays(self):
        """An array of an earlier call is known by its region and all that describes it."""
        self.call(1, golden.counting(64))
        self.call(2, bytes(64))
        refs = [wire.Ref("|u1", (8,), 0), wire.Ref("|u1", (8,), 8), wire.Ref("|u1", (4,), 0), wire.Ref("|i1", (8,), 0), wire.Ref("|u1", (8, 1), 0)]
        for _ in range(3):
            for number, ref in itertools.product((1, 2), refs):
                got = self.again(number, 64, ref)
                want = golden.counting(64) if number == 1 else bytes(64)
                size = ref.shape[0]
                self.assertEqual((got.shape, got.dtype.str), (ref.shape, ref.descr))
                self.assertEqual(got.tobytes(), want[ref.offset : ref.offset + size])
        # Nothing of a region is known that is passed anew, or was forgotten.
        self.call(2, golden.counting(64))
        self.assertEqual(self.again(2, 64, refs[0]).tobytes(), golden.counting(8))
        self.space.forget([1])
        with self.assertRaises(wire.WireError):
            self.again(1, 64, refs[0])
        for n in range(2 * space.MAX_MAKERS):
            self.again(2, 64, wire.Ref("|u1", (1,), n % 64))
        self.assertLessEqual(len(self.space.makers), space.MAX_MAKERS)

    def test_of_one_name(self):
        """A call's input comes in the place of one that is bound."""
        bound = self.space.bind([("a", [1]), ("b", 2), ("c", 3)], [], [])
        self.call(1, bytes(8))
        inputs = self.space.arguments([("b", [5]), ("a", 4), ("c", wire.Ref("<f8", (), 0))], [wire.Region(1, 8, False)], bound).give()
        self.assertEqual((list(inputs), inputs["a"], inputs["b"], inputs["c"]), (["a", "b", "c"], 4, [5], 0.0))
        self.assertEqual(bound.give(), {"a": [1], "b": 2, "c": 3})
