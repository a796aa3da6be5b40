"""What goes wrong is said in Python's terms, with the place in a policy's text and the cost of a launch that failed."""

import unittest

import hotcell
import numpy as np
import support
from hotcell._advice import in_python


class Texts(unittest.TestCase):
    def test_in_python(self):
        for theirs, ours in {
            "the memory limit is 512M: raise --memory if more is wanted": "the memory limit is 512M: raise memory= if more is wanted",
            "--memory 1K: must be between": "memory=1K: must be between",
            "raise --max-output if that is wanted": "raise max_output= if that is wanted",
            "in the policy, or give --module scipy.signal": "in the policy, or give modules=['scipy.signal']",
            "allow it with --read /etc/x, or in": "allow it with read=['/etc/x'], or in",
            "give it by --read or --write": "give it by read= or write=",
            "missing input x: model takes x; give it as NAME=VALUE or NAME=@FILE": "missing input x: model takes x: give it in the call, or in inputs at the launch",
            "--- a/--b": "--- a/--b",
            "no advice": "no advice",
        }.items():
            self.assertEqual(in_python(theirs), ours)


class Launches(support.ModelTest):
    def refused(self, error, source=support.DOUBLE, **options):
        with self.assertRaises(error) as got:
            self.launch(source, **options)
        return got.exception

    def test_policy_text(self):
        m = self.launch(
            "def model():\n    try:\n        open('/secret')\n    except OSError as e:\n        return type(e).__name__\n",
            policy='[limits]\ntimeout = "7s"\n\n[[operation]]\nkind = "open"\npath = "/secret"\ndecision = "kill"\n',
        )
        self.assertEqual(m.report.limits.timeout_seconds, 7)
        with self.assertRaises(hotcell.PolicyViolation):
            m()

    def test_policy_mistakes(self):
        for policy, want in {
            'nonsense = "x"': "policy:1: unknown key",
            "\n[limits]\nmemory = 5\nfoo = 1\n": "policy:3: ",
            "no policy\n": "policy:1: ",
        }.items():
            e = self.refused(hotcell.SetupError, policy=policy)
            self.assertTrue(str(e).startswith(want), str(e))
            self.assertNotIn("/proc", str(e))
            self.assertNotIn("hotcell policy check", str(e))
        self.assertIn("/no/such.toml", str(self.refused(hotcell.SetupError, policy="/no/such.toml")))

    def test_report(self):
        """A launch that failed says what it cost."""
        for error, source, options in (
            (hotcell.ModelError, "x = 1 / 0\n", {}),
            (hotcell.SetupError, "def model(:\n", {}),
            (hotcell.TimeLimit, "while True:\n    pass\n", {"timeout": 0.5}),
        ):
            with self.subTest(source):
                e = self.refused(error, source, **options)
                self.assertEqual(e.report.verdict, e.verdict)
                self.assertGreater(e.report.usage.launch_seconds, 0)
        e = self.refused(hotcell.SetupError, interpreter="/no/python3")
        self.assertEqual((e.report.verdict, e.report.usage.launch_seconds), ("setup-error", 0))

    def test_missing_input(self):
        m = self.launch(support.DOUBLE)
        with self.assertRaises(hotcell.SetupError) as got:
            m()
        self.assertIn("give it in the call", str(got.exception))

    def test_arrays_in_lists(self):
        m = self.launch(support.DOUBLE)
        for x in ([np.ones(3)], {"a": [np.ones(3)]}, [support.supervisor().array(np.ones(3))]):
            with self.subTest(x), self.assertRaises(TypeError) as got:
                m(x=x)
            self.assertIn("an array is an input of its own", str(got.exception))
        self.assertEqual(m(x=2), 4)

    def test_slices_beyond_the_end(self):
        """They are what Python makes of them."""
        x = support.supervisor().array(np.arange(10.0))
        m = self.launch("def model(a, b, c):\n    return a.size, b.size, c.size\n", inputs={"a": x[5:100], "b": x[20:], "c": x[-100:3]})
        self.assertEqual(m(), (5, 0, 3))
        self.assertEqual(m(a=x[9:50], b=x[50:9], c=x), (1, 0, 10))


if __name__ == "__main__":
    unittest.main()
