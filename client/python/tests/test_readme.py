"""The session in README.md, and the folder as pip installs it."""

import doctest
import os
import subprocess
import sys
import tempfile
import unittest
import zipfile

import hotcell
import support

FOLDER = os.path.join(support.ROOT, "client", "python")


class Readme(unittest.TestCase):
    def test_session(self):
        result = doctest.testfile(os.path.join(FOLDER, "README.md"), module_relative=False, optionflags=doctest.ELLIPSIS)
        self.assertGreater(result.attempted, 10)
        self.assertEqual(result.failed, 0)


class Installed(unittest.TestCase):
    def test_wheel(self):
        """The backend needs nothing, so pip needs no network; twice gives the same bytes."""
        build = "import sys; sys.path.insert(0, 'backend'); import hotcell_build; print(getattr(hotcell_build, sys.argv[1])(sys.argv[2]))"
        wheels = []
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(2):
                out = subprocess.run([sys.executable, "-B", "-S", "-c", build, "build_wheel", folder], cwd=FOLDER, check=True, capture_output=True, text=True)
                with open(os.path.join(folder, out.stdout.strip()), "rb") as f:
                    wheels.append(f.read())
            self.assertEqual(*wheels)
            path = os.path.join(folder, out.stdout.strip())
            self.assertEqual(os.path.basename(path), f"hotcell-{hotcell.__version__}-py3-none-any.whl")
            with zipfile.ZipFile(path) as z:
                names = z.namelist()
                self.assertEqual({n for n in names if n.startswith("hotcell/")},
                                 {f"hotcell/{n}" for n in os.listdir(os.path.dirname(hotcell.__file__)) if n.endswith((".py", ".typed"))})
                record = z.read(f"hotcell-{hotcell.__version__}.dist-info/RECORD").decode().splitlines()
                self.assertEqual([line.partition(",")[0] for line in record], names)
            code = "import sys; sys.path.insert(0, sys.argv[1]); import hotcell.aio; print(hotcell.__file__)"
            out = subprocess.run([sys.executable, "-I", "-c", code, path], check=True, capture_output=True, text=True)
            self.assertTrue(out.stdout.startswith(path))
            for hook in ("build_sdist", "build_editable"):
                subprocess.run([sys.executable, "-B", "-S", "-c", build, hook, folder], cwd=FOLDER, check=True, capture_output=True)


if __name__ == "__main__":
    unittest.main()
