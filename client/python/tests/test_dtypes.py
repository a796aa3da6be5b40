"""Element types: the list is the supervisor's, tested with its own vectors."""

import json
import os
import unittest

import numpy as np
import support
from hotcell import _dtypes
from hotcell._wire import WireError


class Accepted(unittest.TestCase):
    def test_vectors(self):
        with open(os.path.join(support.ROOT, "shm", "testdata", "dtypes.json"), encoding="utf-8") as f:
            vectors = json.load(f)
        self.assertGreater(len(vectors), 50)
        for v in vectors:
            dtype, size = _dtypes.load(v["descr"])
            self.assertEqual(size, v["itemsize"], v)
            self.assertEqual(dtype.itemsize, size, v)
            self.assertEqual(_dtypes.describe(dtype), v["descr"])
            if v["given"] != v["descr"] and not v["given"].startswith("["):
                with self.assertRaises(WireError, msg=v["given"]):
                    _dtypes.parse(v["given"])

    def test_structures(self):
        for dtype in (
            np.dtype([("a", "i1"), ("b", "f8")], align=True),
            np.dtype([("a", [("x", "<U3"), ("y", ">c16", (2, 3, 4))]), ("z", "M8[25s]")]),
            np.dtype([("it's", "b1"), ('say "hi"', "S5"), ("é\n\\", "u2")]),
        ):
            descr = _dtypes.describe(dtype)
            self.assertEqual(_dtypes.load(descr), (dtype, dtype.itemsize), descr)


class Refused(unittest.TestCase):
    def test_descriptions(self):
        deep = "'<i4'"
        for _ in range(_dtypes.MAX_DEPTH + 1):
            deep = f"[('a', {deep})]"
        for descr in (
            "", "f8", "<f", "<f8 ", " <f8", "<f8\n", "<f16", "<i3", "|i2", "<i1", "=f8", "|O", "<O8", "|V8", "<c4", "<f08", "|S0", "<U0",
            "|S1048577", "<U262145", "<S5", "<U99999999999", "<M4[s]", "<M8[1s]", "<M8[0s]", "<M8[2147483648s]", "<M8[x]", "<M8[]", "<f8[s]",
            "[]", "[", "[(", "[()]", "[('a',)]", "[('a', '<i4')", "[('a', '<i4')] ", "[('a','<i4')]", "[('a', '<i4'), ('a', '<i4')]",
            "[('a', '|O')]", "[('a', '<i4', ())]", "[('a', '<i4', (0,))]", "[('a', '<i4', (-1,))]", "[('a', '<i4', (2))]",
            "[('a', '<i4', (1048577,))]", "[('a', '<i4', (1024, 1024))]", "[('', '<i4')]", "[('', '|V0')]", "[('', '|V01')]", "[('', '|V4')]",
            "[('', '|V1048577'), ('a', '<i4')]", "[(('t', 'a'), '<i4')]", "[('a\\q', '<i4')]", "[('\\ud800', '<i4')]", "[('\\U00110000', '<i4')]",
            "[('a\n', '<i4')]", "[('\\x4', '<i4')]", "[('a', '<i4', (" + "1, " * 32 + "1))]", deep, "[" * 5000, "('a', '<i4')",
            "[" + ", ".join(f"('f{i}', '|u1')" for i in range(513)) + "]", "|S" + "1" * 9000, "__import__('os')",
        ):
            with self.assertRaises(WireError, msg=descr[:80]):
                _dtypes.load(descr)

    def test_numpy(self):
        for dtype in ("O", "f16", "c32", "V5", "S0", "U0", [("a", "O")], [], "(2,3)f8", {"names": ["a", "b"], "formats": ["i4", "i4"], "offsets": [0, 2]},
                      {"names": ["b", "a"], "formats": ["i4", "i4"], "offsets": [4, 0]}, [(("title", "a"), "i4")]):
            with self.assertRaises(TypeError, msg=dtype):
                _dtypes.describe(np.dtype(dtype))

    def test_known_are_bounded(self):
        """A sandbox that makes types up does not fill the memory."""
        for n in range(3 * _dtypes._MAX_KNOWN):
            _dtypes.load(f"|S{n + 1}")
            self.assertLessEqual(len(_dtypes._known), _dtypes._MAX_KNOWN)


if __name__ == "__main__":
    unittest.main()
