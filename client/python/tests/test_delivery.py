"""How results become this process's: copied, sealed or live."""

import time
import unittest

import hotcell
import numpy as np
import support

COUNT = """
import threading, time
import numpy as np
import hotcell

calls = 0


def model(n=4, late=False, text=False):
    global calls
    calls += 1
    if text:
        return np.array(["a", "bc"]), "y" * 20000
    out = hotcell.empty("result", (n,))
    out[:] = calls
    if late:
        threading.Timer(0.3, lambda: out.fill(-1)).start()
    return out
"""


class Delivery(support.ModelTest):
    def test_copy(self):
        m = self.launch(COUNT)
        got = [m(n=5000) for _ in range(6)]
        self.assertEqual([a[4999] for a in got], [1, 2, 3, 4, 5, 6])

    def test_sealed(self):
        """Each has memory of its own, which nobody can write, and which is given back."""
        m = self.launch(COUNT, results="sealed")
        got = [m(n=5000) for _ in range(6)]
        self.assertEqual([a[4999] for a in got], [1, 2, 3, 4, 5, 6])
        self.assertIsNone(m._line)
        with self.assertRaises(ValueError):
            got[0][0] = 5
        before = len(support.descriptors())
        del got
        for _ in range(300):
            last = m(n=5000)
        self.assertLessEqual(len(support.descriptors()), before)
        m.close()
        self.assertEqual(last[0], 306)

    def test_late(self):
        """What the model writes after its return is not seen."""
        for results in ("copy", "sealed"):
            with self.subTest(results):
                m = self.launch(COUNT, results=results)
                got = m(n=5000, late=True)
                time.sleep(0.6)
                self.assertEqual(got[0], 1)
                self.assertEqual(m(n=5000)[0], 2)

    def test_live(self):
        """They are what the model makes of them, over the line and by way of the supervisor."""
        for calls, asked in ((1, {"on_operation": lambda o: None}), (1, {}), (5, {})):
            with self.subTest(calls=calls):
                m = self.launch(COUNT, results="live", **asked)
                for _ in range(calls):
                    got = m(n=5000)
                self.assertEqual(got[0], calls)
                with self.assertRaises(ValueError):
                    got[0] = 5
                m(n=5000)
                self.assertEqual(got[0], calls + 1)
                one, two = m(text=True)
                m(n=5000)
                self.assertEqual((one.tolist(), two), (["a", "bc"], "y" * 20000))
                m.close()
                self.assertEqual(got[0], calls + 3)

    def test_live_declared(self):
        m = self.launch("def model(out):\n    out[:] = range(len(out))\n", results="live", out={"out": (3000, "i8")})
        for _ in range(5):
            np.testing.assert_array_equal(m()["out"], np.arange(3000))

    def test_wrong(self):
        with self.assertRaises(ValueError):
            self.launch(COUNT, results="quick")


if __name__ == "__main__":
    unittest.main()
