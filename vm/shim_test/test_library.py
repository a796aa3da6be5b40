"""Modules from memory, what is said of those that are not there, and what the template imports."""

import importlib
import importlib.util
import os
import py_compile
import shutil
import sys
import tempfile
import types
import unittest
from unittest import mock

import _hotcell
from _hotcell import absent, library, template

FILES = {
    "pack/__init__.py": "from pack import early\n",
    "pack/early.py": "",
    "pack/late.py": "from . import deep\nfrom .deep import inner\nvalue = inner.value\n",
    "pack/fast.abi3.so": "",
    "pack/late_fast.py": "from . import fast\n",
    "pack/data.json": "{}",
    "pack/not-a-name.py": "",
    "pack/deep/__init__.py": "",
    "pack/deep/inner.py": "value = 5\n",
    "pack/tests/test_it.py": "",
    "single.py": "",
    "broken.py": "1 / 0\n",
}


class Files(unittest.TestCase):
    """A directory of packages on sys.path, as a template sees it; gone leaves what a sandbox sees."""

    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir, True)
        for name, text in FILES.items():
            self.write(name, text)
        for patch in (
            mock.patch.object(sys, "path", [self.dir, *sys.path]),
            mock.patch.object(sys, "meta_path", list(sys.meta_path)),
            mock.patch.dict(sys.path_importer_cache),
            mock.patch.dict(sys.modules),
            mock.patch.dict(absent.failed),
        ):
            patch.start()
            self.addCleanup(patch.stop)
        self.library, self.absent = library.Library(), absent.Absent()

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        return path

    def gone(self, *names):
        """Imports names and locks the files away."""
        failed = template.import_all(names)
        self.library.keep_packages(absent.failed)
        self.absent.remember(self.library)
        shutil.rmtree(self.dir)
        sys.path[:] = []
        sys.meta_path[:] = [*sys.meta_path[:2], self.library, self.absent]
        sys.path_importer_cache.clear()
        return failed


class Kept(Files):
    def keep(self):
        self.library.keep_directory("pack", os.path.join(self.dir, "pack"))
        return self.library.kept

    def test_all_but_tests(self):
        names = "pack pack.early pack.late pack.late_fast pack.deep pack.deep.inner"
        self.assertEqual(sorted(self.keep()), sorted(names.split()))

    def test_not_what_is_imported(self):
        importlib.import_module("pack.deep")
        self.assertEqual(sorted(self.keep()), ["pack.deep.inner", "pack.late", "pack.late_fast"])

    def test_compiled_if_up_to_date(self):
        fresh, stale = (os.path.join(self.dir, "pack", name) for name in ("early.py", "late.py"))
        for path in (fresh, stale):
            py_compile.compile(path)
        os.utime(stale, (1, 1))
        hashed = self.write("pack/hashed.py", "")
        py_compile.compile(hashed, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
        checked = self.write("pack/checked.py", "")
        py_compile.compile(checked, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
        other = self.write("pack/other.py", "")
        py_compile.compile(other)
        with open(importlib.util.cache_from_source(other), "r+b") as f:
            f.write(b"\0")  # of another version
        short = self.write("pack/short.py", "")
        self.write(os.path.relpath(importlib.util.cache_from_source(short), self.dir), "x")
        kept = self.keep()
        for name, want in (("early", True), ("late", False), ("hashed", True), ("checked", False), ("other", False), ("short", False)):
            self.assertEqual(kept[f"pack.{name}"].is_code, want, name)
            self.assertIsInstance(self.library.get_code(f"pack.{name}"), types.CodeType)

    def test_bounds(self):
        with mock.patch.object(library, "MAX_FILES", 2):
            self.assertEqual(len(self.keep()), 2)
        self.library = library.Library()
        with mock.patch.object(library, "MAX_BYTES", 1):
            self.assertLess(len(self.keep()), 6)

    def test_unreadable(self):
        os.unlink(os.path.join(self.dir, "pack/late.py"))
        os.symlink("nowhere", os.path.join(self.dir, "pack/late.py"))
        self.assertNotIn("pack.late", self.keep())

    def test_installed_packages(self):
        importlib.import_module("pack.deep")
        importlib.import_module("unittest.mock")
        found = library.installed_packages()
        self.assertEqual(found["pack"], [os.path.join(self.dir, "pack")])
        for name in ("unittest", "os", "pack.deep", "_hotcell"):
            self.assertNotIn(name, found)

    def test_numpy_alone_keeps_nothing(self):
        for packages, want in (({"numpy": ["/n"]}, []), ({"numpy": ["/n"], "pack": ["/p"]}, [("numpy", "/n", ()), ("pack", "/p", ())])):
            kept = []
            with mock.patch.object(library, "installed_packages", lambda: packages):
                with mock.patch.object(self.library, "keep_directory", lambda *args: kept.append(args)):
                    self.library.keep_packages()
            self.assertEqual(kept, want)


class Late(Files):
    def test_import(self):
        self.assertEqual(self.gone("pack"), [])
        late = importlib.import_module("pack.late")
        self.assertEqual((late.value, late.__name__, late.__package__), (5, "pack.late", "pack"))
        self.assertEqual(late.__file__, os.path.join(self.dir, "pack/late.py"))
        self.assertEqual(late.deep.__path__, [os.path.join(self.dir, "pack/deep")])
        self.assertEqual(self.library.loading, [])

    def test_standard(self):
        """The compiled shim brings all encodings; the source form, which only these tests run, has none."""
        if not _hotcell.standard[1]:
            self.assertEqual(library.LIBRARY.kept, {})
            return
        for name in ("encodings.cp1250", "encodings.utf_32", "encodings.idna", "stringprep", "_strptime", "weakref"):
            module = types.ModuleType(name)
            exec(library.LIBRARY.get_code(name), vars(module))
            self.assertTrue(library.LIBRARY.find_spec(name).origin.endswith(".py"))
        self.assertGreater(len(library.LIBRARY.kept), 100)


class Absent(Files):
    def refused(self, text, statement):
        with self.assertRaisesRegex(ModuleNotFoundError, text) as caught:
            exec(statement, {})
        return caught.exception

    def test_not_loaded(self):
        self.gone("pack")
        e = self.refused(r"^module single \(.*/single.py\) was not loaded before the lock-down, .*or give --module single$", "import single")
        self.assertEqual(e.name, "single")
        self.refused(r"^module pack.fast \(.*/pack/fast.abi3.so\) was not", "import pack.fast")
        self.refused(r"^module broken \(.*/broken.py\) was not", "import broken as b")

    def test_names_what_is_being_imported(self):
        """Loading that beforehand brings the rest, too."""
        self.gone("pack")
        self.refused(r"^module pack.fast \(.*fast.abi3.so\) .*give --module pack.late_fast$", "import pack.late_fast")
        self.refused(r"^module pack.fast \(.*fast.abi3.so\) .*give --module pack.fast$", "from pack import fast")

    def test_could_not_be_imported(self):
        failed = self.gone("broken", "pack")
        self.assertEqual(failed, ["broken: ZeroDivisionError: division by zero"])
        self.refused("^module broken could not be imported before the lock-down: ZeroDivisionError: division by zero$", "import broken")

    def test_what_failed_is_not_tried_again(self):
        self.write("pack/bad.py", "import no_such_library\n")
        self.gone("pack", "pack.bad?")
        self.refused("^module pack.bad could not be imported before the lock-down: ModuleNotFoundError: .*no_such_library.$", "import pack.bad")

    def test_unknown(self):
        self.gone("pack")
        self.refused("^No module named 'no_such'$", "import no_such")
        self.refused("^No module named 'pack.no_such'$", "import pack.no_such")
        with self.assertRaisesRegex(ImportError, "cannot import name 'no_such' from 'pack'"):
            exec("from pack import no_such", {})

    def test_a_question_is_no_import(self):
        self.gone("pack")
        self.assertIsNone(importlib.util.find_spec("single"))
        self.assertIsNone(importlib.util.find_spec("pack.fast"))


class Reason(unittest.TestCase):
    def reason(self, statement):
        try:
            exec(statement, {})
        except BaseException as e:
            return absent.reason(e)

    def test_reason(self):
        for statement, want in (
            ("raise ImportError('x.so:  no\\n such file')", "ImportError: x.so: no such file"),
            ("raise SystemExit(3)", "SystemExit: 3"),
            ("raise ImportError('essay') from ImportError('x.so')", "ImportError: x.so (which led to ImportError: essay)"),
            ("try:\n raise ImportError('x.so')\nexcept ImportError:\n raise ImportError('essay')", "ImportError: x.so (which led to ImportError: essay)"),
            ("try:\n raise KeyError('x')\nexcept KeyError:\n raise ImportError('essay')", "ImportError: essay"),
            ("try:\n raise ImportError('x')\nexcept ImportError:\n raise ValueError('v')", "ValueError: v"),
        ):
            self.assertEqual(self.reason(statement), want, statement)

    def test_bounded(self):
        self.assertLess(len(self.reason("raise ImportError('x' * 9999)")), 500)
        e = ImportError("first")
        e.__cause__ = e
        self.assertIn("first", absent.reason(e))

    def test_no_words(self):
        class Silent(Exception):
            def __str__(self):
                raise ValueError

        self.assertEqual(absent.reason(Silent()), "Silent: <no text>")


class Loader(unittest.TestCase):
    def test_with_cause(self):
        for text in ("x.so: failed to map segment from shared object", "x.so: cannot open shared object file: Operation not permitted"):
            self.assertRegex(absent.with_cause(text), rf"^{text} \(no compiled code can be loaded after the lock-down: .*--module")
        for text in ("", "x.so: cannot open shared object file: No such file or directory", "failed to map segment"):
            self.assertEqual(absent.with_cause(text), text)


class ImportAll(Files):
    def test_parts(self):
        failed = template.import_all(["pack", "pack.deep?", "pack.deep.inner?", "pack.early?", "pack.no_such?", "pack.early.x?", "gone.x?"])
        self.assertEqual(failed, [])
        self.assertIn("pack.deep.inner", sys.modules)

    def test_part_that_fails(self):
        self.write("pack/bad.py", "import no_such_library\n")
        failed = template.import_all(["pack", "pack.bad?"])
        self.assertEqual(failed, ["pack.bad: ModuleNotFoundError: No module named 'no_such_library'"])
        self.assertEqual(absent.failed["pack.bad"], failed[0].partition(": ")[2])

    def test_what_is_there_is_not_looked_for(self):
        importlib.import_module("pack").deep = 5
        self.assertEqual(template.import_all(["pack.deep?"]), [])
        self.assertNotIn("pack.deep", sys.modules)
