import array
import collections
import ctypes
import enum
import os
import sys
import unittest
from unittest import mock

import golden
import numpy
from _hotcell import arrays, wire

BASE = 0x200000000000


def without_numpy():
    """numpy as if the template had not imported it."""
    modules = mock.patch.dict(sys.modules)
    modules.start()
    for name in [m for m in sys.modules if m.partition(".")[0] == "numpy"]:
        del sys.modules[name]
    return modules


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


class Written(unittest.TestCase):
    def write(self, returned, size=4096):
        self.output = memoryview(bytearray(b"\xaa" * size))
        return arrays.write_results(returned, self.output)

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

        results = [value for _, value in self.write([Colour.RED, Real(2.5), Text("t"), type("C", (complex,), {})(1j)])]
        self.assertEqual(results, [3, 2.5, "t", 1j])
        self.assertEqual([type(v) for v in results], [int, float, str, complex])

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
        ):
            self.refused({"x": value}, text, 1 << 22)


class Buffers(Written):
    def check(self, value, descr, shape, data):
        ((_, ref),) = self.write(value)
        self.assertEqual((ref.descr, ref.shape, ref.fortran), (descr, shape, False))
        self.assertEqual(bytes(self.output[ref.offset : ref.offset + len(data)]), data)

    def both(self, *args):
        self.check(*args)
        modules = without_numpy()
        try:
            self.check(*args)
        finally:
            modules.stop()

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


class Inputs(unittest.TestCase):
    """Regions mapped as a call's arguments are."""

    def setUp(self):
        self.space = arrays.Space(BASE)
        self.addCleanup(self.unmap)

    def unmap(self):
        self.input = None
        if self.space.next > BASE:
            arrays.kernel.unmap(BASE, self.space.next - BASE)

    def map(self, data, ref):
        inputs, output = self.space.map_call([("n", 5), ("x", ref)], 0, [golden.memfd(data)])
        self.assertEqual((list(inputs), inputs["n"], len(output)), (["n", "x"], 5, 0))
        return inputs["x"]

    def test_numpy(self):
        for value in (
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
        ):
            fortran = value.flags.f_contiguous and not value.flags.c_contiguous
            descr = arrays.describe_dtype("x", value.dtype)
            got = self.map(value.tobytes("F" if fortran else "C"), wire.Ref(descr, value.shape, 0, fortran))
            numpy.testing.assert_array_equal(got, value)
            self.assertEqual((got.dtype, got.flags.writeable, got.flags.f_contiguous), (value.dtype, False, value.flags.f_contiguous))
            with self.assertRaisesRegex(ValueError, "read-only"):
                got[...] = 0
            self.stays_read_only(got)
            del got

    def stays_read_only(self, got):
        """What the kernel refuses to write, numpy refuses to call writeable."""
        for view in (got, got.view(), got.T, got[...]):
            with self.assertRaisesRegex(ValueError, "cannot set WRITEABLE flag"):
                view.flags.writeable = True
            with self.assertRaisesRegex(ValueError, "cannot set WRITEABLE flag"):
                view.setflags(write=True)
        with self.assertRaisesRegex(ValueError, "read-only"):
            numpy.ndarray(got.shape, got.dtype, got.base)[...] = 0

    def test_offset(self):
        got = self.map(bytes(64) + numpy.arange(3.0).tobytes(), wire.Ref("<f8", (3,), 64))
        self.assertEqual(got.tolist(), [0, 1, 2])

    def test_without_numpy(self):
        modules = without_numpy()
        self.addCleanup(modules.stop)
        for code, descr in zip("?bBhHiIqQfd", "|b1 |i1 |u1 <i2 <u2 <i4 <u4 <i8 <u8 <f4 <f8".split()):
            data = array.array("B", [0, 1] * 24).tobytes()
            view = memoryview(data).cast(code)
            got = self.map(data, wire.Ref(descr, (len(view),), 0))
            self.assertEqual((got.format, got.tolist(), got.readonly), (code, view.tolist(), True))
            if len(view) % 2 == 0:
                got = self.map(data, wire.Ref(descr, (2, len(view) // 2), 0))
                self.assertEqual(got.tolist(), view.cast("B").cast(code, (2, len(view) // 2)).tolist())
        got = self.map(bytes(8), wire.Ref("<f8", (), 0))
        self.assertEqual((got.shape, got.tolist()), ((), 0.0))
        self.assertEqual(len(self.map(b"", wire.Ref("<f8", (0,), 0))), 0)
        # Order does not matter where there is one axis at most.
        self.assertEqual(self.map(bytes(8), wire.Ref("<i4", (2,), 0, True)).tolist(), [0, 0])
        for ref in (wire.Ref(">f8", (1,), 0), wire.Ref("<f2", (4,), 0), wire.Ref("|S8", (1,), 0), wire.Ref("[('a', '<f8')]", (1,), 0)):
            with self.assertRaisesRegex(arrays.UnusableInput, "needs numpy, which this interpreter does not have"):
                self.map(bytes(8), ref)
        with self.assertRaisesRegex(arrays.UnusableInput, "Fortran order needs numpy"):
            self.map(bytes(32), wire.Ref("<f8", (2, 2), 0, True))

    def test_output(self):
        fd = golden.memfd(b"", 5000)
        _, output = self.space.map_call([], 5000, [fd])
        output[4999] = 7
        self.assertEqual((len(output), output.readonly), (5000, False))
        with self.assertRaises(OSError):
            os.fstat(fd)
        del output

    def test_space(self):
        """A free page lies behind every mapping."""
        for size, pages in ((1, 2), (4096, 2), (4097, 3)):
            before = self.space.next
            self.space.map(golden.memfd(b"", size), size, False)
            self.assertEqual(self.space.next - before, pages * 4096)
        before = self.space.next
        self.assertEqual(len(self.space.map(golden.memfd(b""), 0, True)), 0)
        self.assertEqual(self.space.next, before)
