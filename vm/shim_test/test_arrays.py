import array
import collections
import ctypes
import enum
import itertools
import math
import os
import sys
import threading
import unittest

import golden
import numpy
from _hotcell import arrays, model, wire


class Names(unittest.TestCase):
    def test_valid_name(self):
        for name in ("a", "_", "A9_z", "result_1", "class", "x" * 64):
            self.assertTrue(arrays.valid_name(name), name)

    def test_invalid_name(self):
        for name in ("", "9a", "a b", "a-b", "é", "a.b", "x" * 65, "a\n", "a\0", 5, None, b"a", type("s", (str,), {})("a")):
            self.assertFalse(arrays.valid_name(name), name)


class Collect(unittest.TestCase):
    def test_forms(self):
        for returned, want in (
            (None, [("result", None)]),
            (5, [("result", 5)]),
            ([7], [("result", 7)]),
            ((1, "a", None), [("result", 1), ("result_1", "a"), ("result_2", None)]),
            ([], []),
            ({}, []),
            ({"b": 1, "a": [2]}, [("b", 1), ("a", [2])]),
            ({1, 2}, [("result", {1, 2})]),
        ):
            self.assertEqual(arrays.collect_results(returned), want)

    def test_subclasses_are_single_values(self):
        for returned in (collections.OrderedDict(a=1), collections.namedtuple("P", "x y")(1, 2)):
            self.assertEqual(arrays.collect_results(returned), [("result", returned)])

    def test_bad_names(self):
        for name in (1, "", "a b", "é", ("x",), None):
            with self.assertRaisesRegex(arrays.InvalidResult, "is no name for a result"):
                arrays.collect_results({name: 1})

    def test_hostile_key(self):
        class Key:
            def __repr__(self):
                raise ValueError

        with self.assertRaisesRegex(arrays.InvalidResult, "^a Key is no name"):
            arrays.collect_results({Key(): 1})


def nested(depth):
    """The description of structures within each other."""
    descr = "|i1"
    for _ in range(depth):
        descr = [("a", descr)]
    return descr


def apart(results):
    """Whether results are aligned and no two have a byte in common."""
    spans = []
    for _, value in results:
        if type(value) is wire.Ref:
            spans.append((value.offset, value.offset + numpy.dtype(arrays.parse_dtype(value.descr)).itemsize * int(numpy.prod(value.shape))))
        elif type(value) is wire.Span:
            spans.append((value.offset, value.offset + value.size))
    spans = sorted(s for s in spans if s[0] < s[1])
    return all(begin % 64 == 0 for begin, _ in spans) and all(a[1] <= b[0] for a, b in zip(spans, spans[1:]))


class Written(unittest.TestCase):
    def write(self, returned, size=4096):
        self.output = memoryview(bytearray(b"\xaa" * size))
        return arrays.Output(self.output).write(returned)

    def refused(self, returned, text, size=4096):
        with self.assertRaisesRegex(arrays.InvalidResult, text):
            self.write(returned, size)

    def read(self, ref):
        """The array that the supervisor would find."""
        dtype = arrays.parse_dtype(ref.descr)
        return numpy.ndarray(ref.shape, dtype, self.output[ref.offset :], order="F" if ref.fortran else "C")


class Scalars(Written):
    def test_plain(self):
        values = [None, True, False, 0, -(10**30), 1.5, 2 - 3j, "é\0"]
        results = [value for _, value in self.write(values)]
        self.assertEqual(results, values)
        self.assertEqual([type(v) for v in results], [type(v) for v in values])

    def test_subclasses(self):
        class Colour(enum.IntEnum):
            RED = 3

        class Real(float):
            pass

        class Text(str):
            pass

        class Mark(str, enum.Enum):
            GOOD = "good"

            def encode(self, *args):
                return "none of this"

        values = [Colour.RED, Real(2.5), Text("t"), type("C", (complex,), {})(1j), Mark.GOOD]
        results = [value for _, value in self.write(values)]
        self.assertEqual(results, [3, 2.5, "t", 1j, "good"])
        self.assertEqual([type(v) for v in results], [int, float, str, complex, str])

    def test_surrogates(self):
        self.assertEqual(self.write("a\ud800"), [("result", "a\\ud800")])

    def test_long_text(self):
        results = self.write({"a": "x" * 8192, "b": "y", "c": "é" * 5000, "d": "z"}, 16384)
        self.assertEqual(results[0][1], "x" * 8192)
        spans = [(value.offset, value.size) for _, value in results[1:]]
        self.assertEqual(spans, [(0, 1), (64, 10000), (10112, 1)])
        self.assertEqual(bytes(self.output[64:10064]).decode(), "é" * 5000)
        self.assertEqual((self.output[0], self.output[10112]), (ord("y"), ord("z")))

    def test_many_texts_fit_a_frame(self):
        """Text is inline as long as there is room: ten strings of 8,000 bytes are none too many."""
        e = wire.Encoder()
        e.args(self.write([chr(ord("a") + i) * 8000 for i in range(10)], 1 << 20))
        self.assertLess(len(e.frame(wire.RESULT)), wire.MAX_FRAME)

    def test_bounds(self):
        self.write([None] * 1024)
        self.refused([None] * 1025, "1025 results, at most 1024")
        self.write([(1 << 8 * arrays.MAX_INTEGER) - 1])
        self.refused([1 << 8 * arrays.MAX_INTEGER], "an integer of 262145 bits")
        self.refused({"n": -(1 << 8 * arrays.MAX_INTEGER)}, "^n is an integer")

    def test_output_full(self):
        self.write([b"x" * 64, b"y" * 64], 128)
        with self.assertRaisesRegex(arrays.OutputTooLarge, "need at least 128 bytes, the limit is 127"):
            self.write([b"x" * 64, b"y" * 64], 127)
        with self.assertRaises(arrays.OutputTooLarge):
            self.write("x" * 9000, 8999)

    def test_refused(self):
        for value, text in (
            (object(), "result is a builtins.object: return arrays"),
            (collections.OrderedDict(), "collections.OrderedDict"),
            ([[1, 2]], "result is a builtins.list"),
            ({"x": {}}, "^x is a builtins.dict"),
            ({"x": (1,)}, "^x is a builtins.tuple"),
            (sys, "builtins.module"),
        ):
            self.refused(value, text)


class Numpy(Written):
    def check(self, value, descr, fortran=False):
        ((_, ref),) = self.write({"x": value})
        self.assertEqual((ref.descr, ref.shape, ref.fortran), (descr, numpy.shape(value), fortran))
        self.assertEqual(ref.offset % 64, 0)
        got, want = self.read(ref), numpy.asarray(value)
        numpy.testing.assert_array_equal(got, want)

    def test_dtypes(self):
        for descr in "|b1 |i1 |u1 <i2 >i4 <i8 <u2 <u4 >u8 <f2 <f4 >f8 <c8 >c16 |S5 <U3 >U2 <M8[ns] >M8[25s] <m8[D] <M8 <m8".split():
            kind = "u8" if descr[1] in "bSU" else "i8"
            self.check(numpy.arange(6, dtype=kind).astype(descr), descr)
            self.check(numpy.zeros((2, 3), descr), descr)

    def test_scalars(self):
        self.check(numpy.float64(2.5), "<f8")
        self.check(numpy.bool_(True), "|b1")
        self.check(numpy.int8(-3), "|i1")
        self.check(numpy.bytes_(b"ab"), "|S2")
        self.check(numpy.datetime64("2020-01-01"), "<M8[D]")
        self.check(numpy.array(1.5), "<f8")
        self.assertEqual(self.write(numpy.str_("é")), [("result", "é")])

    def test_layouts(self):
        grid = numpy.arange(24.0).reshape(4, 6)
        self.check(grid, "<f8")
        self.check(grid.T, "<f8", True)
        self.check(grid[::2, ::-3], "<f8")
        self.check(grid[:, 1:3], "<f8")
        self.check(numpy.broadcast_to(grid[0], (3, 6)), "<f8")
        self.check(numpy.zeros((3, 0, 2), "i2"), "<i2")
        self.check(numpy.zeros(0, "S3"), "|S3")
        read_only = grid.copy()
        read_only.flags.writeable = False
        self.check(read_only, "<f8")

    def test_structures(self):
        self.check(numpy.zeros(2, [("a", "i4"), ("b", "f8", (2,))]), "[('a', '<i4'), ('b', '<f8', (2,))]")
        self.check(numpy.zeros(2, numpy.dtype("i1,i4", align=True)), "[('f0', '|i1'), ('', '|V3'), ('f1', '<i4')]")
        self.check(numpy.zeros(1, [("it's", [("é", "S2")])]), "[(\"it's\", [('é', '|S2')])]")
        self.check(numpy.rec.array([(1, 2.0)], dtype="i4,f8"), "[('f0', '<i4'), ('f1', '<f8')]")

    def test_subclass(self):
        self.check(numpy.matrix([[1.0, 2.0]]), "<f8")

    def test_axes(self):
        self.check(numpy.zeros((1,) * 32), "<f8")
        # numpy makes one of more since version 2 only.
        self.refused({"x": memoryview(bytearray(1)).cast("B", (1,) * 33)}, "x has 33 axes, at most 32")

    def test_again(self):
        """What is known of a result's place holds for the very same kind of array only."""
        base = numpy.arange(12.0)
        values = [
            base, base.astype(">f8"), base.astype("i8"), base[:6], base.reshape(3, 4), base.reshape(3, 4).T, base.reshape(4, 3),
            numpy.float64(2.5), numpy.arange(12).astype("M8[s]"), base.astype("S8"), base.astype("?"), base.view("c16"),
            base.astype("M8[1000ms]"), base.astype("m8[60s]"), base.astype("m8[m]"),
            numpy.zeros(3, [("a", "i4"), ("b", "i4")]), numpy.zeros(3, [("c", "i4"), ("d", "i4")]),
        ]
        self.output = memoryview(bytearray(4096))
        output = arrays.Output(self.output)
        for first, second in itertools.product(values, values):
            results = output.write([first, second, first])
            output.begin()
            for (_, ref), value in zip(results, (first, second, first)):
                got = self.read(ref)
                descr, fortran = arrays.describe_dtype("x", value.dtype), value.flags.fnc
                self.assertEqual((ref.descr, ref.shape, ref.fortran), (descr, value.shape, fortran))
                numpy.testing.assert_array_equal(got, value)
            self.assertTrue(apart(results), results)

    def test_renamed_fields(self):
        """A dtype whose names a model changes in place is described as it is then."""
        self.output = memoryview(bytearray(4096))
        output = arrays.Output(self.output)
        value = numpy.zeros(2, [("a", "i4"), ("b", "f8")])
        for names in ("a", "b"), ("c", "d"), ("a", "b"):
            value.dtype.names = names
            output.begin()
            ((_, ref),) = output.write(value)
            self.assertEqual(ref.descr, f"[('{names[0]}', '<i4'), ('{names[1]}', '<f8')]")

    def test_places_are_bounded(self):
        self.output = memoryview(bytearray(1 << 16))
        output = arrays.Output(self.output)
        for n in range(3 * arrays.MAX_PLACES):
            output.begin()
            ((_, ref),) = output.write(numpy.full(n, n, "i4"))
            self.assertEqual((self.read(ref).tolist(), ref.offset), ([n] * n, 0))
        self.assertLessEqual(len(output.places), arrays.MAX_PLACES)

    def test_largest_structures(self):
        self.check(numpy.zeros(1, nested(8)), repr(nested(8)))
        many = [(f"{i:x}", "|i1") for i in range(512)]
        self.check(numpy.zeros(1, many), repr(many))
        long = [("n" * (8192 - len("[('', '|i1')]")), "|i1")]
        self.check(numpy.zeros(1, long), repr(long))
        self.check(numpy.zeros(1, [("\ud55c", "|i1")]), "[('\ud55c', '|i1')]")

    def test_refused(self):
        overlapping = numpy.dtype({"names": ["a", "b"], "formats": ["i4", "i4"], "offsets": [0, 2]})
        for value, text in (
            (numpy.array([object()]), r"x holds Python objects \(dtype object\)"),
            (numpy.zeros(1, [("a", "O")]), "x holds Python objects"),
            (numpy.ma.masked_array([1], [True]), "x is a masked array"),
            (numpy.zeros(2, "V3"), r"x has the dtype \|V3, which cannot be returned"),
            (numpy.zeros(2, [("a", "i4"), ("b", "V3")]), "x has the dtype"),
            (numpy.zeros(2, "longdouble"), "x has the dtype float128"),
            (numpy.zeros(2, "clongdouble"), "x has the dtype complex256"),
            (numpy.zeros(2, [("a", [("b", "longdouble", (2,))])]), "x has the dtype"),
            (numpy.zeros(2, overlapping), "x has the dtype"),
            (numpy.zeros(2, [(("title", "a"), "i4")]), "x has the dtype"),
            (numpy.zeros(1, f"S{(1 << 20) + 1}"), "x has the dtype"),
            (numpy.zeros(1, [("a", f"S{1 << 20}"), ("b", "i1")]), "x has the dtype"),
            (numpy.zeros(1, [("a", "i4", (0,))]), "x has the dtype"),
            (numpy.zeros(1, {"names": [""], "formats": ["i4"]}), "x has the dtype"),
            (numpy.zeros(1, [("\ud800", "i4")]), "x has the dtype"),
            (numpy.zeros(1, [(f"{i:x}", "i1") for i in range(513)]), "x has the dtype"),
            (numpy.zeros(1, [("a", [(f"{i:x}", "i1") for i in range(512)])]), "x has the dtype"),
            (numpy.zeros(1, [("n" * 8192, "i1")]), "x has the dtype"),
            (numpy.zeros(1, nested(9)), "x has the dtype"),
        ):
            self.refused({"x": value}, text, 1 << 22)


class Buffers(Written):
    def check(self, value, descr, shape, data):
        ((_, ref),) = self.write(value)
        self.assertEqual((ref.descr, ref.shape, ref.fortran), (descr, shape, False))
        self.assertEqual(bytes(self.output[ref.offset : ref.offset + len(data)]), data)

    def both(self, *args):
        self.check(*args)
        with golden.without_numpy():
            self.check(*args)

    def test_bytes(self):
        self.both(b"abc", "|S3", (), b"abc")
        self.both(b"", "|S1", (), b"\0")
        self.both(b"a\0", "|S2", (), b"a\0")
        self.both(type("B", (bytes,), {})(b"x"), "|S1", (), b"x")
        self.write(bytes(1 << 20), 1 << 20)
        self.refused(bytes((1 << 20) + 1), "result is 1048577 bytes long", 1 << 21)

    def test_buffers(self):
        self.both(bytearray(b"abc"), "|u1", (3,), b"abc")
        self.both(bytearray(), "|u1", (0,), b"")
        for code, descr in zip("bBhHiIlLqQfd", "|i1 |u1 <i2 <u2 <i4 <u4 <i8 <u8 <i8 <u8 <f4 <f8".split()):
            values = array.array(code, [1, 2, 3])
            self.both(values, descr, (3,), values.tobytes())
        grid = memoryview(array.array("d", range(6))).cast("B").cast("d", (2, 3))
        self.both(grid, "<f8", (2, 3), grid.tobytes())
        self.both(memoryview(b"abcdef")[::-2], "|u1", (3,), b"fdb")

    def test_view_of_bytes(self):
        """A view of a bytes object is the array that it shows."""
        self.both(memoryview(bytes(16)).cast("d"), "<f8", (2,), bytes(16))
        self.both(memoryview(b""), "|u1", (0,), b"")

    def test_refused(self):
        for value, text in (
            ((ctypes.c_double * 2)(), "the buffer format '<d'"),
            (memoryview(array.array("u", "ab")), "the buffer format '[wu]'"),
        ):
            self.refused(value, text)

    def test_overlap(self):
        """A block that lies where it is written to comes out whole."""
        for shift in (0, 8, 64, 200):
            memory = memoryview(bytearray(golden.counting(1024)))
            want = bytes(memory[shift : shift + 500])
            ((_, ref),) = arrays.Output(memory).write(memory[shift : shift + 500])
            self.assertEqual((ref.offset, bytes(memory[:500])), (0, want))

    def test_lying_bytes(self):
        class Lying(bytes):
            def __len__(self):
                return 100

        self.both(Lying(b"ab"), "|S2", (), b"ab")


class Made(unittest.TestCase):
    """Arrays that a model writes where its results lie."""

    def setUp(self):
        self.memory = memoryview(bytearray(b"\xaa" * 4096))
        self.output = arrays.Output(self.memory)
        self.numpy = True

    def both(self, check):
        """Runs a check with numpy and without it."""
        check()
        self.setUp()
        self.numpy = False
        with golden.without_numpy():
            check()

    def data(self, ref):
        return bytes(self.memory[ref.offset : ref.offset + int(ref.descr[2:]) * math.prod(ref.shape)])

    def list(self, results):
        return [(name, v.descr, v.shape, v.offset) if type(v) is wire.Ref else (name, v) for name, v in results]

    def test_declared(self):
        def check():
            declared = self.output.declare([("a", wire.Ref("<f8", (2, 3), 0)), ("b", wire.Ref("<i2", (5,), 64))])
            for _ in range(2):  # a call's arrays are not the next one's
                got = self.output.begin(declared)
                self.assertEqual(list(got), ["a", "b"])
                self.assertEqual((got["a"].shape, got["b"].shape, got["b"].itemsize), ((2, 3), (5,), 2))
                got["b"][4] = 7
                results = self.output.write(array.array("d", [1.5]))
                self.assertEqual(self.list(results), [("a", "<f8", (2, 3), 0), ("b", "<i2", (5,), 64), ("result", "<f8", (1,), 128)])
                self.assertEqual(self.data(results[1][1])[8:], b"\7\0")
                self.output.end()

        self.both(check)

    def test_declared_order(self):
        """What lies last counts, not what was named last."""
        got = self.output.begin(self.output.declare([("b", wire.Ref("<f8", (8,), 192)), ("a", wire.Ref("<f8", (8,), 0))]))
        self.assertEqual(list(got), ["b", "a"])
        self.assertEqual(self.output.write({"c": numpy.zeros(1)})[2][1].offset, 256)

    def test_declared_fortran(self):
        got = self.output.begin(self.output.declare([("a", wire.Ref("<f8", (2, 3), 0, True))]))
        self.assertEqual((got["a"].flags.f_contiguous, got["a"].flags.writeable), (True, True))
        with golden.without_numpy(), self.assertRaisesRegex(arrays.UnusableInput, "Fortran order needs numpy"):
            self.output.declare([("a", wire.Ref("<f8", (2, 3), 0, True))])

    def test_returned_or_not(self):
        """The result is the same whatever becomes of the array: it is where it was made."""
        made, five = ("y", "<f8", (3,), 0), ("result_1", 5)
        for returned, want in (
            (lambda y: None, [made]),
            (lambda y: y, [made]),
            (lambda y: [y], [made]),
            (lambda y: (y, 5), [made, five]),
            (lambda y: (5, y), [made, ("result", 5)]),
            (lambda y: (y, y), [made]),
            (lambda y: [], [made]),
            (lambda y: {}, [made]),
            (lambda y: {"y": y}, [made]),
            (lambda y: {"n": 5, "y": y}, [made, ("n", 5)]),
            (lambda y: 5, [made, ("result", 5)]),
            (lambda y: [None], [made, ("result", None)]),
            # The model gave it two names, so it is two results.
            (lambda y: {"z": y}, [made, ("z", "<f8", (3,), 64)]),
            (lambda y: {"y": y, "z": y}, [made, ("z", "<f8", (3,), 64)]),
        ):

            def check():
                self.output.begin()
                y = self.output.empty("y", 3)
                for i in range(3):
                    y[i] = i + 0.5
                results = self.output.write(returned(y))
                self.assertEqual(self.list(results), want)
                for _, ref in results:
                    if type(ref) is wire.Ref:
                        self.assertEqual(array.array("d", self.data(ref)).tolist(), [0.5, 1.5, 2.5])

            self.both(check)

    def test_views_are_copied(self):
        self.output.begin()
        y = self.output.empty("y", (4, 4), "i4")
        y[...] = numpy.arange(16).reshape(4, 4)
        views = {"row": y[1], "column": y[:, 1], "turned": y.T, "all": y[...], "bytes": memoryview(y), "raw": y.view("u1")}
        want = {"y": y.copy(), **{k: numpy.array(v) for k, v in views.items()}}
        results = self.output.write(views)
        self.assertEqual([name for name, _ in results], list(want))
        self.assertTrue(apart(results), self.list(results))
        for name, ref in results:
            order = "F" if ref.fortran else "C"
            got = numpy.ndarray(ref.shape, ref.descr, self.memory, ref.offset, order=order)
            numpy.testing.assert_array_equal(got, want[name])

    def test_parts_are_copied_without_numpy(self):
        with golden.without_numpy():
            self.output.begin()
            y = self.output.empty("y", 8, "u1")
            y[:] = bytes(range(8))
            results = self.output.write({"half": y[4:], "back": y[::-1]})
        self.assertEqual(self.list(results), [("y", "|u1", (8,), 0), ("half", "|u1", (4,), 64), ("back", "|u1", (8,), 128)])
        self.assertEqual([self.data(ref) for _, ref in results], [bytes(range(8)), bytes(range(4, 8)), bytes(range(7, -1, -1))])

    def test_apart(self):
        """All that comes behind is aligned, and nothing overlaps."""

        def check():
            for sizes in itertools.product((0, 1, 63, 64, 65), repeat=3):
                self.output.begin(self.output.declare([("d", wire.Ref("|u1", (sizes[0],), 0))]))
                self.output.empty("a", sizes[1], "|u1")
                self.output.empty("b", sizes[2], "|u1")
                self.output.room = 0
                results = self.output.write({"c": bytearray(3), "t": "text", "e": b""})
                self.assertEqual([name for name, _ in results], ["d", "a", "b", "c", "t", "e"])
                offsets = [value.offset for _, value in results]
                self.assertEqual(offsets, sorted(offsets))
                ends = [v.offset + (v.size if type(v) is wire.Span else len(self.data(v))) for _, v in results]
                for end, begin in zip(ends, offsets[1:]):
                    self.assertTrue(begin % 64 == 0 and begin >= end, self.list(results))

        self.both(check)

    def test_earlier_call(self):
        """The next call begins at the front, and an array of an earlier one is an array like any other."""
        self.output.begin()
        old = self.output.empty("old", 4)
        old[:] = 1, 2, 3, 4
        self.output.write(None)
        self.output.end()
        self.output.begin()
        self.assertEqual(self.list(self.output.write(old)), [("result", "<f8", (4,), 0)])
        self.assertEqual(old.tolist(), [1, 2, 3, 4])

    def test_shapes(self):
        def check():
            for shape, want in ((3, (3,)), ((), ()), ((2, 3), (2, 3)), ([2], (2,)), (0, (0,)), ((2, 0), (2, 0)), ((1,) * 32, (1,) * 32)):
                self.output.begin()
                self.output.empty("a", shape)
                ((_, ref),) = self.output.write(None)
                self.assertEqual(ref.shape, want)

        self.both(check)
        self.output = arrays.Output(self.memory)
        self.output.begin()
        self.assertEqual(self.output.empty("n", numpy.int64(3)).shape, (3,))
        self.assertEqual(self.output.empty("a", numpy.array([2, 3])).shape, (2, 3))

    def test_dtypes(self):
        def check():
            for dtype, descr in (
                ("f8", "<f8"), ("<f8", "<f8"), ("d", "<f8"), ("i4", "<i4"), ("B", "|u1"), ("u1", "|u1"), ("|u1", "|u1"), ("?", "|b1"), ("b", "|i1"),
            ):
                self.output.begin()
                got = self.output.empty("a", 2, dtype)
                ((_, ref),) = self.output.write(None)
                self.assertEqual((ref.descr, got.nbytes), (descr, int(descr[2]) * 2))

        self.both(check)
        for dtype, descr in ((float, "<f8"), (">i2", ">i2"), ("M8[s]", "<M8[s]"), ("S3", "|S3"), ([("a", "i4")], "[('a', '<i4')]"), (None, "<f8"), (numpy.float32, "<f4")):
            self.output.begin()
            self.output.empty("a", 2, dtype)
            self.assertEqual(self.output.write(None)[0][1].descr, descr)

    def test_refused(self):
        def check():
            for args, kind, text in (
                (("", 1), ValueError, "is no name for a result"),
                (("a b", 1), ValueError, "'a b' is no name"),
                ((5, 1), ValueError, "5 is no name"),
                (("x" * 65, 1), ValueError, "is no name"),
                (("again", 1), ValueError, "there is an array again already"),
                (("given", 1), ValueError, "there is an array given already"),
                (("a", -1), ValueError, "none negative"),
                (("a", (-1, -8)), ValueError, "none negative"),
                (("a", (1,) * 33), ValueError, "at most 32 axes"),
                (("a", (0, 1 << 62, 8)), ValueError, "too long an axis"),
                (("a", 1.5), TypeError, "not of integers"),
                (("a", "3"), TypeError, "not of integers"),
                (("a", (2, None)), TypeError, "not of integers"),
                (("a", 1 << 70), arrays.OutputTooLarge, "the limit is 4096"),
                (("a", 512), arrays.OutputTooLarge, "need at least 4224 bytes, the limit is 4096"),
                (("a", 1, "none"), (ValueError, TypeError), "none"),
                (("a", 1, "O"), ValueError, "'O'"),
            ):
                self.output.begin(self.output.declare([("given", wire.Ref("<f8", (1,), 0))]))
                self.output.empty("again", 1)
                with self.assertRaisesRegex(kind, text, msg=args):
                    self.output.empty(*args)
                # A refusal leaves no trace.
                self.assertEqual(self.list(self.output.write(b"x")), [("given", "<f8", (1,), 0), ("again", "<f8", (1,), 64), ("result", "|S1", (), 128)])

        self.both(check)
        for dtype in ("longdouble", "V3", [("a", "longdouble")], [("a", "i4", (0,))]):
            self.output.begin()
            with self.assertRaisesRegex(arrays.InvalidResult, "a has the dtype .* which cannot be returned"):
                self.output.empty("a", 1, dtype)
        with golden.without_numpy():
            for dtype in (float, None, [("a", "i4")], ">f8", "S3", "f2"):
                with self.assertRaisesRegex(ValueError, "of a: use one of b1 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8$"):
                    self.output.empty("a", 1, dtype)

    def test_too_large(self):
        """The model hears of it at its own line, and has the cause of a result that does not fit."""

        def check():
            self.output.begin()
            self.output.empty("a", 4096 - 64, "u1")
            self.output.empty("b", 64, "u1")
            with self.assertRaises(arrays.OutputTooLarge) as caught:
                self.output.empty("c", 1, "u1")
            self.assertEqual(model.describe(caught.exception).cause, model.OUTPUT)
            with self.assertRaises(arrays.OutputTooLarge):
                self.output.write(b"x")
            self.assertEqual(len(self.output.write(None)), 2)

        self.both(check)

    def test_no_output(self):
        output = arrays.Output(memoryview(bytearray()))
        output.begin()
        self.assertEqual(output.empty("a", 0).nbytes, 0)
        with self.assertRaises(arrays.OutputTooLarge):
            output.empty("b", 1)

    def test_outside_a_call(self):
        def check():
            self.refuses_now()
            self.output.begin()
            self.output.write(None)
            self.refuses_now()
            self.output.end()
            self.refuses_now()
            self.output.begin()
            self.output.end()  # as after an exception
            self.refuses_now()

        self.both(check)

    def refuses_now(self):
        with self.assertRaisesRegex(RuntimeError, "no call is running"):
            self.output.empty("a", 1)

    def test_two_of_one_name(self):
        for returned in (5, [5], {"result": 5}):
            self.output.begin()
            self.output.empty("result", 1)
            with self.assertRaisesRegex(arrays.InvalidResult, "two results are named result"):
                self.output.write(returned)

    def test_most(self):
        self.output = arrays.Output(memoryview(bytearray(1 << 17)))
        self.output.begin()
        made = [self.output.empty(f"a{i}", 1, "u1") for i in range(arrays.MAX_RESULTS)]
        with self.assertRaisesRegex(ValueError, "at most 1024 results"):
            self.output.empty("b", 1)
        self.assertEqual(len(self.output.write(made)), 1024)
        with self.assertRaisesRegex(arrays.InvalidResult, "1025 results, at most 1024"):
            self.output.write(5)

    def test_threads(self):
        """Threads of a model that make arrays at once get bytes of their own."""
        self.addCleanup(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(1e-6)
        self.output = arrays.Output(memoryview(bytearray(1 << 20)))
        self.output.begin()
        start = threading.Barrier(8)

        def make(n):
            start.wait()
            for i in range(50):
                self.output.empty(f"a{n}_{i}", i, "u1")

        threads = [threading.Thread(target=make, args=(n,)) for n in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        results = self.output.write(None)
        self.assertEqual(len(results), 400)
        self.assertTrue(apart(results))
