"""Resident models, and how they end: errors by verdict."""

import gc
import math
import unittest

import hotcell
import numpy as np
import support
from support import ECHO, STATE, ModelTest, supervisor


class Resident(ModelTest):
    def test_state_and_bound(self):
        x = supervisor().array(np.arange(3000.0))
        with self.launch(STATE, inputs={"x": x[1000:2000], "scale": 2}, timeout=20) as m:
            self.assertEqual(m(), {"calls": 1, "sum": float(x[1000:2000].sum()) * 2})
            self.assertEqual(m(scale=1), {"calls": 2, "sum": float(x[1000:2000].sum())})
            self.assertEqual(m(x=x[:2], scale=1), {"calls": 3, "sum": 1.0})
            self.assertEqual(m(timeout="10s")["calls"], 4)
            self.assertIn("running", repr(m))
        self.assertIn("closed", repr(m))
        for _ in range(2):
            m.close()
            with self.assertRaises(hotcell.ClosedError):
                m()

    def test_an_exception_leaves_it_usable(self):
        m = self.launch("n = 0\ndef model(bad):\n    global n\n    n += 1\n    if bad:\n        raise KeyError('é')\n    return n\n")
        for n in (1, 3):
            self.assertEqual(m(bad=False), n)
            with self.assertRaises(hotcell.ModelError) as got:
                m(bad=True)
            e = got.exception
            self.assertEqual((e.type, e.message, e.file, e.line, e.ended, e.verdict), ("KeyError", "'é'", "model.py", 6, False, "exception"))
            self.assertRegex(e.traceback, r'(?s)^Traceback.*File "model.py", line 6, in model\n.*KeyError: \'é\'\n$')
            self.assertIn("line 6", str(e.__cause__))

    def test_report(self):
        m = self.launch(STATE, memory="64M", max_operations=77)
        m(x=np.zeros(1000))
        live = m.report
        self.assertEqual((live.verdict, live.limits.memory_bytes, live.limits.max_operations), ("ok", 64 << 20, 77))
        self.assertGreaterEqual(live.usage.array_bytes_in, 8000)
        m.close()
        self.assertGreater(m.report.usage.memory_peak_bytes, 0)
        self.assertEqual(m.report.reason, "closed by the host")
        self.assertIs(m.report, m.report)

    def test_report_of_one_that_ended(self):
        m = self.launch("import os\ndef model():\n    os._exit(3)\n")
        with self.assertRaises(hotcell.Crash):
            m()
        self.assertEqual(m.report.verdict, "crash")
        with self.assertRaises(hotcell.Crash):
            m()
        m.close()
        self.assertEqual(m.report.verdict, "crash")


class Verdicts(ModelTest):
    def test_at_the_launch(self):
        for source, kind, says, options in (
            ("def model(:\n    pass\n", hotcell.SetupError, "invalid syntax", {}),
            ("x = 1\n\n", hotcell.SetupError, "no function model", {}),
            ("import scipy_not\n\ndef model():\n    pass\n", hotcell.ModelError, "scipy_not", {}),
            ("raise ValueError('early')\n\ndef model(): pass\n", hotcell.ModelError, "early", {}),
            ("import os\nos._exit(1)\ndef model(): pass\n", hotcell.Crash, "", {}),
            ("while True: pass\n\ndef model(): pass\n", hotcell.TimeLimit, "longer", {"timeout": 0.3}),
            (ECHO, hotcell.SetupError, "memory", {"memory": "lots"}),
            (ECHO, hotcell.SetupError, "no_such_module", {"modules": ["no_such_module"]}),
            (ECHO, hotcell.SetupError, "no/such/file", {"policy": "/no/such/file.toml"}),
            (ECHO, hotcell.SetupError, "/no/such/interpreter", {"interpreter": "/no/such/interpreter"}),
            (ECHO, hotcell.SetupError, "/no/such/file", {"read": ["/no/such/file"]}),
        ):
            with self.subTest(source + str(options)):
                before = len(supervisor()._models)
                with self.assertRaises(kind) as got:
                    supervisor().launch(source, **options)
                self.assertIn(says, str(got.exception))
                self.assertTrue(got.exception.ended)
                self.assertEqual(len(supervisor()._models), before)

    def test_in_a_call(self):
        for body, kind, verdict, options in (
            ("x = []\n    while True:\n        x.append(bytes(1 << 20))", hotcell.MemoryLimit, "memory-limit", {"memory": "32M"}),
            ("while True: pass", hotcell.TimeLimit, "wall-time-limit", {"timeout": 0.3}),
            ("while True: pass", hotcell.TimeLimit, "cpu-time-limit", {"cpu_time": "300ms", "timeout": 60}),
            ("return model()", hotcell.RecursionLimit, "recursion-limit", {"recursion": 200}),
            ("import numpy as np\n    return np.zeros(1 << 20)", hotcell.OutputLimit, "output-limit", {"max_output": "1M"}),
            ("while True: print('x' * 1000)", hotcell.OutputLimit, "output-limit", {"max_log": "64K"}),
            ("import os\n    while True:\n        try: os.stat('/x')\n        except OSError: pass", hotcell.OperationLimit, "operation-limit", {"max_operations": 20}),
            ("open('/etc/passwd')", hotcell.PolicyViolation, "policy-violation", {"on_operation": lambda o: "kill"}),
            ("return object()", hotcell.InvalidResult, "invalid-result", {}),
            ("import numpy as np\n    return np.array([object()])", hotcell.InvalidResult, "invalid-result", {}),
            ("import os\n    os.abort()", hotcell.Crash, "crash", {}),
            ("raise SystemExit(3)", hotcell.ModelError, "exception", {}),
            ("import threading\n    e = threading.Event()\n    for _ in range(50):\n        threading.Thread(target=e.wait, daemon=True).start()", hotcell.ThreadLimit, "thread-limit", {"threads": 8}),
        ):
            with self.subTest(verdict + body):
                m = self.launch(f"def model():\n    {body}\n", **options)
                with self.assertRaises(kind) as got:
                    m()
                self.assertEqual((type(got.exception), got.exception.verdict), (kind, verdict))
                if got.exception.ended:
                    m.close()
                    self.assertEqual(m.report.verdict, verdict)

    def test_limit_of_one_call(self):
        m = self.launch("def model(n):\n    while n: pass\n    return 5\n", timeout=60)
        self.assertEqual(m(n=0, timeout=20), 5)
        with self.assertRaises(hotcell.TimeLimit) as got:
            m(n=1, timeout=0.2)
        self.assertTrue(got.exception.ended)

    def test_inputs(self):
        m = self.launch(ECHO)
        for inputs, says in (({}, "missing input x"), ({"x": 1, "y": 2}, "unknown input y")):
            with self.assertRaises(hotcell.SetupError) as got:
                m(**inputs)
            self.assertIn(says, str(got.exception))
            self.assertFalse(got.exception.ended)
        self.assertEqual(m(x=np.ones(3)).tolist(), [1, 1, 1])

    def test_too_many_results(self):
        m = self.launch("def model(n):\n    return 1 << 8 * 32767, 1 << 8 * n\n")
        self.assertEqual(m(n=100)[1], 1 << 800)
        with self.assertRaises(hotcell.InvalidResult):
            m(n=32721)
        self.assertEqual(m(n=100)[1], 1 << 800)

    def test_arguments(self):
        for options, error in (
            ({"timeout": -1}, ValueError), ({"timeout": "soon"}, ValueError), ({"timeout": math.inf}, ValueError), ({"timeout": None, "cpus": "2"}, TypeError),
            ({"memory": 1.5}, TypeError), ({"threads": True}, TypeError), ({"modules": "numpy"}, TypeError), ({"read": "/etc"}, TypeError),
            ({"seed": -1}, ValueError), ({"seed": 1 << 64}, ValueError), ({"stdout": 5}, TypeError), ({"out": {"y": (3, "O")}}, TypeError),
            ({"inputs": {"x": object()}}, TypeError), ({"inputs": {"x": "a" * 70000}}, ValueError), ({"nonsense": 1}, TypeError),
            ({"inputs": {f"a{i}": np.zeros(1) for i in range(125)}}, ValueError),
        ):
            before = support.descriptors()
            with self.assertRaises(error, msg=options):
                supervisor().launch(ECHO, **options)
            gc.collect()
            self.assertLessEqual(support.descriptors(), before)


if __name__ == "__main__":
    unittest.main()
