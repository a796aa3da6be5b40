"""A host without numpy: arrays are memoryviews."""

import os
import subprocess
import sys
import textwrap
import unittest

import support


class Plain(unittest.TestCase):
    def run_plain(self, script):
        """Runs a script in which numpy cannot be imported."""
        code = "import sys; sys.modules['numpy'] = None\n" + textwrap.dedent(script)
        path = os.pathsep.join((os.path.join(support.ROOT, "client", "python"), os.path.dirname(os.path.abspath(__file__))))
        p = subprocess.run([sys.executable, "-B", "-W", "error", "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertEqual(p.stderr, "")

    def test_session(self):
        self.run_plain("""
            import array, gc, hotcell, support
            with hotcell.start() as hc:
                x = hc.array(array.array("d", range(3000)))
                assert (x.format, x.shape, x[7]) == ("d", (3000,), 7.0)
                x[7] = 70
                y = hc.empty((2, 3), "i4")
                y[1, 2] = 5
                assert y.tolist() == [[0, 0, 0], [0, 0, 5]]
                with hc.launch("def model(x, y=None):\\n    return x * 2 if y is None else float(x[0] + y.sum())\\n", out={}) as m:
                    for part in (x, x[5:], x[100:200]):
                        got = m(x=part)
                        assert got.readonly and got.format == "d" and got.tolist() == [2 * v for v in part], got
                    assert m(x=x[3:], y=y) == 8.0
                    assert m(x=array.array("i", [1, 2])).tolist() == [2, 4]
                    assert m(x=b"ab").tolist() == [194, 196]
                    assert m(x=x[3:3]).tolist() == []
                    assert m(x=3) == 6 and m(x="a") == "aa" and m(x=[1]) == (1, 1)
                    assert m(x=y).tolist() == [[0, 0, 0], [0, 0, 10]]
                with hc.launch("def model(x):\\n    return x.sum()\\n", inputs={"x": x[10:20]}) as m:
                    assert m() == sum(range(10, 20))
                good = {
                    "np.float32(0.5)": 0.5, "b'abc'": b"abc", "np.int8(3)": 3, "'x' * 20000": "x" * 20000,
                    "np.arange(3000)": list(range(3000)), "np.zeros((0, 3))": [],
                }
                bad = "np.zeros(3, 'c16')", "np.zeros(3, '>f8')", "np.zeros((2, 3), order='F')", "np.zeros(2, 'M8[s]')"
                with hc.launch(support.choosing([*good, *bad])) as m:
                    for i, want in enumerate(good.values()):
                        got = m(i=i)
                        assert (got.tolist() if isinstance(got, memoryview) else got) == want, got
                    for i in range(len(good), len(good) + len(bad)):
                        try:
                            m(i=i)
                        except hotcell.Error as e:
                            assert "needs numpy" in str(e), e
                        else:
                            raise AssertionError(bad[i - len(good)])
                    m.report
                for bad in (memoryview(b"abcdef")[::2], memoryview(bytes(8)).cast("N")):
                    try:
                        hc.array(bad)
                    except TypeError:
                        continue
                    assert bad.format == "N"
                try:
                    hc.empty(3, "c16")
                except TypeError as e:
                    assert "needs numpy" in str(e)
                out = hc.run("def model(y):\\n    y[:] = 7\\n", {"out": {"y": ((3,), "f4")}})
                assert out["y"].tolist() == [7, 7, 7]
            assert "numpy" not in {k for k, v in sys.modules.items() if v is not None}
            """)

    def test_line(self):
        """Calls past the supervisor, and functions of the host."""
        self.run_plain("""
            import array, hotcell
            with hotcell.start() as hc:
                source = "def model(n=1):\\n    return memoryview(bytes(8 * n)).cast('d') if n > 1 else 2.5\\n"
                with hc.launch(source) as m:
                    assert [m() for _ in range(5)] == [2.5] * 5 and m._plan.call
                    for _ in range(4):
                        got = m(n=3)
                    assert got.tolist() == [0.0] * 3 and got.format == "d" and got.readonly
                source = "import hotcell\\n\\n\\ndef model(x):\\n    return hotcell.f(x, by=2)\\n"
                with hc.launch(source, functions={"f": lambda x, by: array.array("d", [v * by for v in x])}) as m:
                    assert m(x=array.array("d", [1, 2])).tolist() == [2, 4]
        """)

    def test_results(self):
        """What a reply says is checked without numpy too."""
        self.run_plain("""
            import os, random, support
            from hotcell._results import Results
            from hotcell._wire import Ref, Span, WireError
            fd, memory = support.region(bytes(range(256)) * 16)
            good = support.reply([("a", Ref("<u2", (3, 4), 64)), ("b", Span(0, 8)), ("c", Ref("|S3", (), 128)), ("d", Ref("<f8", (), 64))], 1, 4096, True)
            got = Results().take(good, os.dup(fd))
            assert got["a"].shape == (3, 4) and got["a"].readonly and got["b"] == "".join(map(chr, range(8))) and got["c"] == bytes((128, 129, 130))
            for ref in (Ref("<f8", (513,), 0), Ref("<f8", (1,), -64), Ref("<f8", (1,), 8), Ref("|O", (1,), 0), Ref("<f8", (1 << 62, 4), 0)):
                try:
                    Results().take(support.reply([("a", ref)], 1, 4096, True), os.dup(fd))
                except WireError:
                    continue
                raise AssertionError(ref)
            rng, outcomes = random.Random(1), set()
            import hotcell
            for _ in range(5000):
                frame = bytearray(good)
                frame[rng.randrange(len(frame))] = rng.choice((0, 1, 2, 0x80, 0xff, rng.randrange(256)))
                try:
                    Results().take(bytes(frame), os.dup(fd))
                    outcomes.add("result")
                except WireError:
                    outcomes.add("error")
                except hotcell.Error as e:
                    assert "needs numpy" in str(e)
            assert outcomes == {"result", "error"}
            """)


if __name__ == "__main__":
    unittest.main()
