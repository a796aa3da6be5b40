"""Sources, options, decisions, output, one-shots."""

import io
import os
import tempfile
import threading
import unittest
from pathlib import Path

import hotcell
import numpy as np
import support
from support import ECHO, ModelTest, supervisor


class Sources(ModelTest):
    def test_directory(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in {
                "model.py": "import helpers.tools\ndef model(x):\n    return helpers.tools.double(x)\n",
                "helpers/__init__.py": "", "helpers/tools.py": "def double(x):\n    return 2 * x\n", "helpers/not-one.py": "1/0", "data.txt": "x",
                "not-a-package/x.py": "1/0",
            }.items():
                path = os.path.join(folder, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text)
            os.symlink("/etc/passwd", os.path.join(folder, "link.py"))
            self.assertEqual(self.launch(folder)(x=4), 8)
            m = self.launch(Path(folder, "helpers", "tools.py"), function="double")
            self.assertEqual((m(x="a"), m.name), ("aa", "tools.py"))
            with self.assertRaises(hotcell.ModelError) as got:
                self.launch(Path(folder, "helpers", "tools.py"), function="double", name="mine")(x=None)
            self.assertIn('File "mine", line 2', got.exception.traceback)

    def test_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            for model in ("/no/such/model.py", folder, "/etc/passwd", folder + "/x", "/dev/null", "a\0b.py", os.path.join(folder, "x.py")):
                if model.endswith("/x.py"):
                    with open(model, "wb") as f:
                        f.truncate((16 << 20) + 1)
                with self.assertRaises(hotcell.SetupError, msg=model) as got:
                    supervisor().launch(model)
                self.assertIsNone(got.exception.report)
        with self.assertRaises(TypeError):
            supervisor().launch(5)

    def test_options(self):
        m = self.launch("import os, random\ndef model():\n    return os.environ.get('TZ'), random.random()\n", seed=5, env={"TZ": "UTC"})
        again = self.launch("import os, random\ndef model():\n    return os.environ.get('TZ'), random.random()\n", seed=5, env={"TZ": "UTC"})
        self.assertEqual(m(), again())
        self.assertEqual(again()[0], "UTC")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "data.txt")
            with open(path, "w", encoding="utf-8") as f:
                f.write("secret")
            reading = "def model(path):\n    with open(path) as f:\n        return f.read()\n"
            self.assertEqual(self.launch(reading, read=[folder])(path=path), "secret")
            with self.assertRaises(hotcell.ModelError) as got:
                self.launch(reading)(path=path)
            self.assertEqual(got.exception.type, "PermissionError")
            policy = os.path.join(folder, "policy.toml")
            with open(policy, "w", encoding="utf-8") as f:
                f.write('[[file]]\npath = "/made-up"\ncontent = "virtual"\n')
            self.assertEqual(self.launch(reading, policy=policy)(path="/made-up"), "virtual")


class Decided(ModelTest):
    def test_decisions(self):
        asked = []

        def decide(operation):
            asked.append((operation.kind, operation.target))
            return {"/v": hotcell.Decision("virtual", content=b"20"), "/no": hotcell.Decision("deny", errno=2)}.get(operation.target)

        m = self.launch(
            "def model(path):\n    try:\n        with open(path) as f:\n            return f.read()\n    except OSError as e:\n        return e.errno\n",
            on_operation=decide,
        )
        self.assertEqual([m(path=p) for p in ("/v", "/no", "/other")], ["20", 2, 1])
        self.assertEqual(asked, [("open", "/v"), ("open", "/no"), ("open", "/other")])

    def test_at_the_launch(self):
        m = self.launch("with open('/v') as f:\n    text = f.read()\ndef model():\n    return text\n",
                        on_operation=lambda o: hotcell.Decision("virtual", content=b"early"))
        self.assertEqual(m(), "early")

    def test_always(self):
        asked = []
        m = self.launch("import os\ndef model():\n    try:\n        os.stat('/x')\n    except OSError as e:\n        return e.errno\n",
                        on_operation=lambda o: asked.append(o) or hotcell.Decision("deny", errno=2, always=True))
        self.assertEqual([m(), m()], [2, 2])
        self.assertEqual(len(asked), 1)

    def test_cancel_there(self):
        m = self.launch("import os\ndef model():\n    os.stat('/x')\n", on_operation=lambda o: m.cancel())
        with self.assertRaises(hotcell.Cancelled):
            m()


class Followed(ModelTest):
    def test_callables(self):
        out, err = [], []
        m = self.launch("import sys\ndef model(x):\n    print(x)\n    print('!', file=sys.stderr)\n", stdout=out.append, stderr=err.append)
        m(x="é\x1b[2J")
        m(x="b" * 10000)
        m.close()
        self.assertEqual(("".join(out), "".join(err)), ("é\x1b[2J\n" + "b" * 10000 + "\n", "!\n!\n"))
        self.assertEqual(m.report.stdout[:6], "é\x1b[2J\n")

    def test_while_it_runs(self):
        printed = threading.Event()
        m = self.launch("def model():\n    print('here', flush=True)\n    while True: pass\n", stdout=lambda text: printed.set(), timeout=60)
        caller = threading.Thread(target=lambda: self.assertRaises(hotcell.Cancelled, m))
        caller.start()
        self.assertTrue(printed.wait(30))
        m.cancel()
        caller.join()

    def test_files(self):
        out = io.StringIO()
        m = self.launch("import os\ndef model():\n    os.write(1, 'a\x1b[2J\u202e\\tb\\xff'.encode() + b'\\xff\\n')\n", stdout=out)
        m()
        m.close()
        self.assertEqual(out.getvalue(), "a\\x1b[2J\\u202e\tbÿ\ufffd\n")

    def test_errors_there(self):
        def fail(text):
            raise ValueError(text)

        with self.assertLogs("hotcell", "ERROR"):
            m = self.launch("def model():\n    print('x')\n    return 5\n", stdout=fail)
            self.assertEqual(m(), 5)
            m.close()


class OneShots(ModelTest):
    def test_run(self):
        hc = supervisor()
        self.assertEqual(hc.run(ECHO, x=5), 5)
        self.assertEqual(hc.run("def model(options, model):\n    return options + model\n", {"memory": "64M"}, options=1, model=2), 3)
        y = hc.run(support.DOUBLE, x=np.arange(5000.0))
        self.assertEqual(y[4999], 9998)
        with self.assertRaises(hotcell.ModelError) as got:
            hc.run("def model():\n    1 / 0\n")
        self.assertEqual(got.exception.type, "ZeroDivisionError")
        self.assertGreater(got.exception.report.usage.wall_seconds, 0)

    def test_map(self):
        hc = supervisor()
        x = hc.array(np.arange(8000.0))
        got = hc.map("state = []\ndef model(x, n):\n    state.append(n)\n    return state, float(x.sum())\n".replace("state,", "len(state) * n,"),
                     [{"x": x[i * 1000 : (i + 1) * 1000], "n": i} for i in range(8)], concurrency=3, memory="64M")
        self.assertEqual(got, [(i, float(x[i * 1000 : (i + 1) * 1000].sum())) for i in range(8)])
        self.assertEqual(hc.map(ECHO, []), [])

    def test_map_errors(self):
        hc = supervisor()
        source = "def model(n):\n    while n == 9: pass\n    return 6 // n\n"
        got = hc.map(source, [{"n": 1}, {"n": 0}, {"n": 2}], concurrency=2, return_exceptions=True)
        self.assertEqual((got[0], type(got[1]), got[1].type, got[2]), (6, hotcell.ModelError, "ZeroDivisionError", 3))
        with self.assertRaises(hotcell.ModelError):
            hc.map(source, [{"n": 9}, {"n": 0}, {"n": 2}, {"n": 9}], concurrency=2, timeout=60)
        with self.assertRaises(TypeError):
            hc.map(source, [{"n": object()}], return_exceptions=True)
        with self.assertRaises(ValueError):
            hc.map(source, [], concurrency=0)


class Doc(unittest.TestCase):
    def test_every_public_name_has_a_docstring(self):
        for name in hotcell.__all__:
            thing = getattr(hotcell, name)
            self.assertTrue(thing.__doc__, name)
            for member, v in vars(thing).items() if isinstance(thing, type) else ():
                if not member.startswith("_") and (callable(v) or isinstance(v, property)) and thing.__module__.startswith("hotcell"):
                    self.assertTrue(v.__doc__, f"{name}.{member}")


if __name__ == "__main__":
    unittest.main()
