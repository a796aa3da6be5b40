"""Real models in real sandboxes: values, arrays, results."""

import array
import gc
import math
import os
import unittest

import hotcell
import numpy as np
import support
from support import ECHO, STATE, ModelTest, supervisor

class Values(ModelTest):
    def test_values(self):
        m = self.launch("def model(x):\n    return repr(x)\n")
        for value in (
            None, True, False, 0, -1, 255, 2**63, -(10**30), 0.1, -0.0, math.inf, math.nan, 1.5 - 2j, "", "aé€\U0001f600\0", [], [1, [2.5, None], "x"],
            {"a": {"b": [True]}, "": 0}, "long " * 5000,
        ):
            self.assertEqual(m(x=value), repr(value))
        for value, want in (
            ((1, 2), [1, 2]), (np.float64(1.5), 1.5), (np.int8(3), 3), (np.float32(0.5), 0.5), (np.str_("s"), "s"), (np.bool_(True), True), ([np.int64(4)], [4]),
            (np.complex64(1j), 1j),
        ):
            self.assertEqual(m(x=value), repr(want))

    def test_results(self):
        cases = {
            "None": None, "3": 3, "10 ** 30": 10**30, "-0.0": -0.0, "math.nan": math.nan, "1j": 1j, "'é' * 5": "ééééé", "'x' * 100000": "x" * 100000,
            "(1, 2)": (1, 2), "[1]": 1, "()": {}, "{}": {}, "{'a': 1, 'b': 'x'}": {"a": 1, "b": "x"}, "np.float64(1.5)": 1.5, "np.int32(7)": 7,
            "np.array(2.5)": 2.5, "b'abc'": b"abc", "np.str_('s')": "s", "np.datetime64('2020-01-01')": np.datetime64("2020-01-01"),
        }
        m = self.launch(support.choosing(cases))
        for i, (text, want) in enumerate(cases.items()):
            got = m(i=i)
            self.assertEqual((type(got), repr(got)), (type(want), repr(want)), text)

    def test_any_names(self):
        m = self.launch("def model(**inputs):\n    return ' '.join(sorted(inputs))\n", inputs={"self": 1})
        self.assertEqual(m(inputs=2, model=3), "inputs model self")
        self.assertEqual(m.call({"timeout": 1, "out": 2}), "out self timeout")


class Arrays(ModelTest):
    def test_dtypes(self):
        m = self.launch(ECHO)
        for dtype in ("?", "i1", "u2", ">i4", "u8", "f2", "f4", ">f8", "c8", "c16", "M8[D]", "m8[ns]", "S3", "U2", ">U2",
                      [("a", "i4"), ("b", ">f8", (2,)), ("c", [("d", "S2")])], np.dtype([("a", "i1"), ("b", "f8")], align=True)):
            plain = np.zeros((3, 4), dtype)
            values = np.random.default_rng(1).integers(0, 2, plain.view("u1").shape, "u1")
            if "U" in str(dtype):
                values = np.full(plain.shape, "éa").astype(dtype).view("u1")
            plain.view("u1")[:] = values
            shared = supervisor().array(plain)
            for x in (plain, shared, shared[1:], shared[:, 1], plain.T, shared.T):
                got = m(x=x)
                self.assertEqual(got.dtype, x.dtype)
                np.testing.assert_array_equal(got, x)

    def test_layouts(self):
        m = self.launch(ECHO)
        base = supervisor().array(np.arange(6000.0).reshape(20, 30, 10))
        for x in (
            base, base[3:7], base[4], base[2, 5:9], base[::2], base[::-1], base[:, 3], base.T, base[3:7].T, base[5:5], base[3, 4, 5], base[3, 4, 5:6],
            np.broadcast_to(base[0, 0], (4, 10)), np.asfortranarray(base), np.array(5.0), np.empty((0, 3)), base.view("u8")[1], base.ravel()[7:2000],
        ):
            np.testing.assert_array_equal(m(x=x), x)
            with supervisor().launch("def model(x):\n    return x\n", inputs={"x": x}) as bound:
                np.testing.assert_array_equal(bound(), x)

    def test_buffers(self):
        m = self.launch("def model(x):\n    return str(x.dtype), x\n")
        for x, dtype, want in (
            (b"ab\0", "uint8", [97, 98, 0]), (bytearray(b"ab"), "uint8", [97, 98]), (memoryview(b"ab"), "uint8", [97, 98]),
            (array.array("d", [1, 2]), "float64", [1, 2]), (range, None, None),
        ):
            if dtype is None:
                with self.assertRaises(TypeError):
                    m(x=x)
                continue
            got = m(x=x)
            self.assertEqual((got[0], got[1].tolist()), (dtype, want))

    def test_array(self):
        hc = supervisor()
        x = hc.array([[1, 2], [3, 4]], "f4")
        self.assertEqual((type(x), x.dtype, x.shape, x.flags.writeable), (np.ndarray, np.float32, (2, 2), True))
        x *= 2
        self.assertEqual(x.sum(), 20)
        self.assertTrue(hc.array(np.asfortranarray(np.ones((3, 4)))).flags.f_contiguous)
        self.assertEqual(hc.empty(3).tolist(), [0, 0, 0])
        self.assertEqual(hc.empty((2, 0), "i4").shape, (2, 0))
        self.assertEqual(hc.array("abc").dtype, "<U3")
        self.assertEqual(hc.array(b"abc").tolist(), [97, 98, 99])
        for bad in (object(), [object()], np.ma.array([1.0]), np.zeros(1, "f16")):
            with self.assertRaises(TypeError):
                hc.array(bad)
        with self.assertRaises(ValueError):
            hc.empty((2, -1))

    def test_host_goes_on_writing(self):
        x = supervisor().array(np.zeros(2000))
        m = self.launch("def model(x, z=None):\n    return float(x.sum()), 0.0 if z is None else float(z.sum())\n", inputs={"x": x[:1900]})
        y = supervisor().array(np.ones(10))
        self.assertEqual(m(z=y), (0.0, 10.0))
        x[600], y[0] = 5, 100
        self.assertEqual(m(z=y), (5.0, 109.0))
        self.assertEqual(m(z=y[:1]), (5.0, 100.0))

    def test_model_cannot_write(self):
        x = supervisor().array(np.zeros(2000))
        m = self.launch("def model(x, how):\n    if how:\n        x.flags.writeable = True\n    x[0] = 1\n", inputs={"x": x})
        for how in (0, 1):
            with self.assertRaises(hotcell.ModelError) as got:
                m(how=how)
            self.assertEqual(got.exception.type, "ValueError")
        self.assertEqual(x[0], 0)
        with self.assertRaises(hotcell.Crash):
            self.launch("import ctypes\ndef model(x):\n    ctypes.memset(x.ctypes.data, 1, 8)\n", modules=["ctypes"], inputs={"x": x})()
        self.assertEqual(x[0], 0)

    def test_seals(self):
        """Nobody but this process's own mapping can write, resize or reseal what goes over."""
        import fcntl

        fd = support._memory.create(4096).shared
        for act in (lambda: os.pwrite(fd.fd, b"x", 0), lambda: os.ftruncate(fd.fd, 0), lambda: os.ftruncate(fd.fd, 8192), lambda: fcntl.fcntl(fd.fd, 1033, 8)):
            with self.assertRaises(OSError):
                act()

    def test_memory_goes_with_the_array(self):
        before = support.descriptors()
        x = supervisor().array(np.zeros(1 << 16))
        view = x[5:]
        del x
        gc.collect()
        self.assertGreater(support.descriptors(), before)
        del view
        gc.collect()
        self.assertEqual(support.descriptors(), before)


class Results(ModelTest):
    def test_kept_results_do_not_change(self):
        m = self.launch("import numpy as np\ndef model(n):\n    return np.full(1000, n)\n")
        kept = [m(n=n) for n in range(300)]
        self.assertEqual([int(a[999]) for a in kept], list(range(300)))
        del kept[::2]
        kept += [m(n=n) for n in range(300, 600)]
        self.assertEqual([int(a[0]) for a in kept], [*range(1, 300, 2), *range(300, 600)])
        m.close()
        self.assertEqual([int(a[500]) for a in kept], [*range(1, 300, 2), *range(300, 600)])
        with self.assertRaises(ValueError):
            kept[0][0] = 1

    def test_outlive_the_supervisor(self):
        with hotcell.start() as hc, hc.launch(support.DOUBLE) as m:
            x = hc.array(np.arange(5000.0))
            y = m(x=x)
        np.testing.assert_array_equal(y, np.arange(5000.0) * 2)
        np.testing.assert_array_equal(x, np.arange(5000.0))

    def test_result_as_input(self):
        """A result's memory is written again one day: another model gets a copy."""
        m, other = self.launch(support.DOUBLE), self.launch("kept = []\ndef model(x):\n    kept.append(x)\n    return float(kept[0][0])\n")
        y = m(x=np.full(512, 1.0))
        self.assertEqual(other(x=y), 2.0)
        del y
        gc.collect()
        for n in range(5):
            m(x=np.full(512, float(n)))
        self.assertEqual(other(x=np.full(512, 2.0)), 2.0)

    def test_out(self):
        m = self.launch(STATE, out={"y": ((3,), "f4")})
        got = m()
        self.assertEqual((got["y"].tolist(), got["y"].dtype, got["calls"]), ([1, 1, 1], np.float32, 1))
        self.assertEqual(m(out={"y": (1000, "i8")})["y"].tolist(), [2] * 1000)
        self.assertEqual(m(out={}), {"calls": 3, "sum": 0.0})
        with self.assertRaises(hotcell.SetupError):
            m(out={"not a name": (3, "f4")})
        with self.assertRaises(hotcell.SetupError):
            m(out={"y": (1 << 40, "f4")})
        self.assertEqual(m()["calls"], 4)

    def test_empty_in_the_model(self):
        m = self.launch("import hotcell\ndef model(n):\n    y = hotcell.empty('y', (n,), 'f8')\n    y[:] = n\n    return y\n")
        for n in (0, 1, 5000):
            self.assertEqual(m(n=n)["y"].tolist(), [n] * n)

    def test_no_growth(self):
        m = self.launch(support.DOUBLE)
        x, descriptors = supervisor().array(np.arange(600.0)), None
        for n in range(2000):
            m(x=x)
            m(x=np.arange(float(n % 7 * 300)))
            m(x=x[n % 100 : 200])
            if n == 200:
                gc.collect()
                descriptors = support.descriptors()
        gc.collect()
        self.assertLessEqual(len(support.descriptors()), len(descriptors) + 4)
        self.assertLessEqual(len(m._known._numbers), 3)


if __name__ == "__main__":
    unittest.main()
