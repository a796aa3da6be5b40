import builtins
import linecache
import os
import random
import sys
import types
import unittest
import warnings
from unittest import mock

from _hotcell import arrays, functions, model


class Cut(unittest.TestCase):
    def test_short(self):
        for text in ("", "abc", "é" * 50):
            self.assertEqual(model.cut(text, 100), text)

    def test_long(self):
        for text in ("x" * 200, "é" * 1000, "€" * 1000, "\U0001f600" * 999, "a" + "\U0001f600" * 999):
            for most in range(100, 108):
                got = model.cut(text, most)
                self.assertLessEqual(len(got.encode()), most)
                head, middle, tail = got.partition("\n[...]\n")
                self.assertTrue(middle and text.startswith(head) and text.endswith(tail), got)

    def test_surrogates(self):
        self.assertEqual(model.cut("\udc80", 100), "\\udc80")


class Strings(str):
    """A str that cannot be trusted in anything."""

    def bad(self, *args, **kwargs):
        raise ZeroDivisionError

    encode = __format__ = __str__ = __repr__ = __eq__ = __len__ = __add__ = bad
    __hash__ = str.__hash__


class Meta(type):
    """A metaclass that answers no question."""

    def bad(self, *args):
        raise ZeroDivisionError

    __hash__ = __eq__ = __repr__ = __instancecheck__ = __subclasscheck__ = __getattribute__ = bad


def raised(e):
    try:
        raise e
    except BaseException as caught:
        return caught


class Describe(unittest.TestCase):
    def described(self, e):
        d = model.describe(raised(e))
        for text in (d.kind, d.message, d.traceback, d.file):
            self.assertIs(type(text), str)
            text.encode()
        self.assertIs(type(d.line), int)
        return d

    def test_plain(self):
        d = self.described(ValueError("bad é"))
        self.assertEqual((d.cause, d.kind, d.message), (model.RAISED, "ValueError", "bad é"))
        self.assertTrue(d.traceback.startswith("Traceback (most recent call last):\n"), d.traceback)
        self.assertTrue(d.traceback.endswith("\nValueError: bad é\n"), d.traceback)

    def test_causes(self):
        for e, cause, kind in (
            (MemoryError(), model.MEMORY, "MemoryError"),
            (RecursionError("deep"), model.RECURSION, "RecursionError"),
            (type("Mine", (MemoryError,), {"__module__": "model"})(), model.MEMORY, "Mine"),
            (SystemExit(3), model.RAISED, "SystemExit"),
            (KeyboardInterrupt(), model.RAISED, "KeyboardInterrupt"),
            (os.error(2, "x"), model.RAISED, "FileNotFoundError"),
            (type("Error", (Exception,), {"__module__": "lib.sub"})(), model.RAISED, "lib.sub.Error"),
            (model.NoFunction("n"), model.NO_FUNCTION, ""),
            (arrays.UnusableInput("u"), model.INPUT, ""),
            (arrays.InvalidResult("i"), model.INVALID_RESULT, ""),
            (arrays.OutputTooLarge("o"), model.OUTPUT, ""),
            (SyntaxError("raised by hand"), model.RAISED, "SyntaxError"),
        ):
            d = self.described(e)
            self.assertEqual((d.cause, d.kind), (cause, kind))

    def test_syntax(self):
        try:
            compile("a = 1\nb = = 2\n", "m.py", "exec")
        except SyntaxError as e:
            d = model.describe(e.with_traceback(None))
        self.assertEqual((d.cause, d.kind, d.message, d.file, d.line), (model.SYNTAX, "SyntaxError", "invalid syntax", "m.py", 2))
        self.assertIn("b = = 2", d.traceback)

    def test_compiled(self):
        """No file is opened for the message of a syntax error, and names and lines are as they should be."""
        opened = []
        sys.addaudithook(lambda event, args: event == "open" and opened.append(args[0]))
        for source, line, text in (
            (b"x = 1\ndef model(:\n", 2, "def model(:\n"),
            (b"x = 1\nreturn 2\n", 2, "return 2\n"),
            (b"def f(a, a): pass", 1, "def f(a, a): pass"),
            (b"x = 1\n  y = 2\n", 2, "  y = 2\n"),
        ):
            with self.subTest(source), self.assertRaises(SyntaxError) as caught:
                model.compiled(source, "no.such.py")
            e = caught.exception
            self.assertEqual((e.filename, e.lineno, e.text.rstrip("\n")), ("no.such.py", line, text.rstrip("\n")))
            self.assertNotIn("\ud800", str(e) + str(e.args))
        with warnings.catch_warnings(record=True) as caught:
            code = model.compiled(b"def f():\n    return 1 is 1\n", "no.such.py")
        self.assertEqual([(w.category, w.filename, w.lineno) for w in caught], [(SyntaxWarning, "no.such.py", 2)])
        inner = next(c for c in code.co_consts if isinstance(c, types.CodeType))
        self.assertEqual((code.co_filename, inner.co_filename), ("no.such.py", "no.such.py"))
        # What cannot be encoded fails before the kernel hears of it.
        self.assertNotIn("no.such.py", opened)

    def test_odd_syntax_errors(self):
        for args in ((5,), ("m", ("f", "line", 1, "t")), ("m", (5, -1, None, 7)), ("m", (None, 1 << 40, 0, "")), ()):
            try:
                e = SyntaxError(*args)
            except TypeError:
                continue
            d = model.describe(e)
            self.assertEqual(d.kind, "SyntaxError")
            self.assertIs(type(d.message), str)
            self.assertTrue(0 <= d.line < 1 << 32)

    def test_hostile_str(self):
        class Raises(Exception):
            __module__ = "model"

            def __str__(self):
                raise ZeroDivisionError

        class Exits(Raises):
            __module__ = "model"

            def __str__(self):
                raise SystemExit

        class Number(Raises):
            __module__ = "model"

            def __str__(self):
                return 5

        for kind, second in ((Raises, "ZeroDivisionError"), (Exits, "SystemExit"), (Number, "TypeError")):
            d = self.described(kind())
            name = kind.__qualname__
            self.assertEqual((d.cause, d.kind, d.message), (model.RAISED, name, f"its description raised {second}"))

    def test_hostile_strings(self):
        class Lies(Exception):
            __module__ = Strings("model")

            def __str__(self):
                return Strings("text")

            def __repr__(self):
                return Strings("repr")

        Lies.__qualname__ = Strings("Lies")
        self.assertEqual(self.described(Lies()).kind, "Lies")
        self.described(KeyError(Strings("x")))
        self.described(SyntaxError(Strings("x")))
        model.describe(SyntaxError(Strings("x")))

    def test_hostile_repr(self):
        class Key:
            def __repr__(self):
                raise ZeroDivisionError

        d = self.described(KeyError(Key()))
        self.assertEqual((d.kind, d.message), ("KeyError", "its description raised ZeroDivisionError"))

    def test_hostile_metaclass(self):
        for base, cause in ((Exception, model.RAISED), (MemoryError, model.MEMORY), (RecursionError, model.RECURSION)):
            d = model.describe(Meta("Error", (base,), {})())  # raising it would ask the metaclass
            self.assertEqual((d.cause, d.kind.rpartition(".")[2]), (cause, "Error"))

    def test_hostile_attributes(self):
        class Error(Exception):
            __module__ = "model"

            @property
            def __class__(self):
                raise ZeroDivisionError

            __traceback__ = __cause__ = __context__ = __notes__ = __class__

        self.assertEqual(self.described(Error()).cause, model.RAISED)

        class Wrong(Exception):
            __module__ = "model"
            __traceback__ = __cause__ = __context__ = __suppress_context__ = __notes__ = 5

        self.assertEqual(self.described(Wrong()).cause, model.RAISED)

    def test_long(self):
        d = self.described(ValueError("é" * 100000))
        self.assertLessEqual(len(d.message.encode()), model.MAX_MESSAGE)
        self.assertLessEqual(len(d.traceback.encode()), model.MAX_TRACEBACK)
        d = self.described(type("N" * 9999, (Exception,), {"__module__": "m" * 9999})())
        self.assertLessEqual(len(d.kind), 256)

    def test_line_is_the_models_own(self):
        source = "import json\ndef model():\n    json.loads('{')\n"
        space = {}
        exec(compile(source, "own.py", "exec"), space)
        with mock.patch.object(model, "own_files", {"own.py"}):
            try:
                space["model"]()
            except ValueError as e:
                d = model.describe(e)
        self.assertEqual((d.file, d.line), ("own.py", 3))


class Chains(unittest.TestCase):
    def test_cycle(self):
        a, b = ValueError("a"), ValueError("b")
        a.__cause__, b.__cause__ = b, a
        text = model.format_chain(a)
        self.assertIn("ValueError: a", text)
        self.assertIn("ValueError: b", text)
        a.__cause__ = a
        a.__context__ = a
        self.assertIn("ValueError: a", model.format_chain(a))

    def test_context_cycle(self):
        a, b = ValueError("a"), KeyError("b")
        a.__context__, b.__context__ = b, a
        self.assertIn("During handling of the above exception", model.format_chain(a))

    def test_long_chain(self):
        e = None
        for i in range(3000):
            new = ValueError(str(i))
            new.__context__ = e
            e = new
        d = model.describe(e)
        self.assertEqual((d.kind, d.message), ("ValueError", "2999"))

    def test_no_shim_frames(self):
        code = compile("def call(f):\n    f()\n", "<hotcell sandbox>", "exec")
        space = {}
        exec(code, space)

        def inner():
            raise KeyError("inner")

        def outer():
            try:
                space["call"](inner)
            except KeyError:
                space["call"](inner)

        try:
            space["call"](outer)
        except KeyError as e:
            text = model.format_chain(e)
        self.assertNotIn("<hotcell", text)
        self.assertEqual(text.count("in inner\n"), 2)

    def test_group(self):
        if not hasattr(builtins, "ExceptionGroup"):
            return  # before Python 3.11
        text = model.format_chain(builtins.ExceptionGroup("both", [ValueError("a"), KeyError("b")]))
        self.assertIn("ValueError: a", text)


class Inputs(unittest.TestCase):
    def check(self, function, *names):
        model.check_inputs(function, "model", dict.fromkeys(names))

    def refused(self, text, function, *names):
        with self.assertRaises(arrays.UnusableInput) as caught:
            self.check(function, *names)
        self.assertIn(text, str(caught.exception))

    def test_accepted(self):
        def plain(x, y=1, *, z=2):
            pass

        self.check(plain, "x")
        self.check(plain, "x", "y", "z")
        self.check(plain, "z", "x")
        self.check(lambda **k: 0, "a", "b")
        self.check(lambda x, **k: 0, "x", "other")
        self.check(lambda: 0)
        self.check(lambda *a: 0)
        self.check(lambda a=1, /, b=2, c=3: 0)
        self.check(lambda a=1, /, b=2, c=3: 0, "b")
        self.check(lambda a=1, b=2, /: 0)

    def test_unknown(self):
        def plain(x, y=1, *rest, z=2):
            local = 5
            return local

        self.refused("unknown input a, b: model takes x, y, z", plain, "x", "a", "b")
        self.refused("unknown input rest", plain, "x", "rest")
        self.refused("unknown input local", plain, "x", "local")
        self.refused("unknown input a: model takes none", lambda: 0, "a")
        self.refused("unknown input a", lambda a=1, /, b=2: 0, "a")

    def test_missing(self):
        def plain(x, y, z=1, *, k, m=2):
            pass

        self.refused("missing input y, k: model takes x, y, z, k, m; give it as NAME=VALUE", plain, "x")
        self.refused("missing input x", lambda x, **k: 0, "y")
        self.refused("missing input b", lambda a=1, *, b: 0)

    def test_positional_only(self):
        self.refused("positional-only", lambda a, /: 0, "a")
        self.refused("positional-only", lambda a, /, b=1: 0, "b")
        self.refused("positional-only", lambda a, b=1, /: 0)

    def test_other_callables(self):
        """Only a plain function tells beforehand what it takes."""
        for function in (print, dict, type("C", (), {"__call__": lambda self, x: 0})(), [].append, type("C", (), {})):
            self.check(function, "anything")


class Imports(unittest.TestCase):
    def setUp(self):
        self.asked = []
        load = types.SimpleNamespace(modules=frozenset({"math", "xml.dom", "no_such"}), function="model", files=[
            model.File("", "model.py", False, 0, 0),
            model.File("pack", "pack/__init__.py", True, 0, 0),
            model.File("pack.inner", "pack/inner.py", False, 0, 9),
        ])
        self.model = model.Model(load, b"inner = 1\n", self.ask)
        self.allow = False
        self.addCleanup(lambda: [sys.modules.pop(n, None) for n in ("pack", "pack.inner", "model")])

    def ask(self, kind, target):
        self.asked.append((kind, target))
        return self.allow, f"no {target}"

    def test_rule(self):
        for name, want in (
            ("math", True), ("math.x", True), ("mathx", False), ("xml", False), ("xml.dom", True), ("xml.dom.minidom", True),
            ("xml.sax", False), ("pack", True), ("pack.inner", True), ("pack.other", True), ("model", False), ("os", False),
        ):
            self.assertEqual(self.model.may_import(name), want, name)

    def test_allowed(self):
        import math
        import xml.dom

        self.assertIs(self.model.import_module("math"), math)
        self.assertIs(self.model.import_module("xml.dom"), xml)
        self.assertIs(self.model.import_module("xml.dom", fromlist=("Node",)), xml.dom)
        self.assertIs(self.model.import_module("xml", fromlist=("dom",)), xml)
        self.assertEqual(self.asked, [])

    def test_compiled_code_imports_for_itself(self):
        """datetime.strptime asks the model's builtins for _strptime."""
        import fractions

        self.assertIs(self.model.import_module("fractions", fromlist=[]), fractions)
        self.assertEqual(self.asked, [])

    def test_a_part_does_not_allow_the_package(self):
        for parts in ((), None, ("sax",), ("dom", "sax"), ("*",)):
            with self.assertRaises(ImportError):
                self.model.import_module("xml", fromlist=parts)
        self.assertEqual(self.asked, [("import", "xml")] * 5)

    def test_denied(self):
        with self.assertRaises(ImportError) as caught:
            self.model.import_module("fractions")
        self.assertEqual((str(caught.exception), caught.exception.name), ("no fractions", "fractions"))
        self.assertEqual(self.asked, [("import", "fractions")])

    def test_granted(self):
        self.allow = True
        self.assertIs(self.model.import_module("os"), os)
        self.assertEqual(self.asked, [("import", "os")])

    def test_not_loaded(self):
        with self.assertRaisesRegex(ModuleNotFoundError, "^module no_such is not installed for this interpreter: "):
            self.model.import_module("no_such")

    def loaded(self):
        """What load changes in the interpreter, undone by the test's end."""
        for patch in (
            mock.patch.object(sys, "meta_path", list(sys.meta_path)),
            mock.patch.object(sys, "path", list(sys.path)),
            mock.patch.object(model, "own_files", set()),
            mock.patch.dict(linecache.cache),
        ):
            patch.start()
            self.addCleanup(patch.stop)

    def run_model(self, **sources):
        """Loads a model whose modules are given by name with __ for a dot."""
        self.loaded()
        source, files = b"", []
        for key, text in sources.items():
            name = "" if key == "model" else key.replace("__", ".")
            text = text.encode()
            files.append(model.File(name, key + ".py", key == "pack", len(source), len(text)))
            source += text
        load = types.SimpleNamespace(modules=frozenset({"math"}), function="model", files=files, functions=["rate"])
        m = model.Model(load, source, self.ask)
        m.output = arrays.Output(memoryview(bytearray(4096)))
        m.functions = functions.Functions(self.ask, memoryview(bytearray()))
        m.load()
        return m

    def test_own_modules(self):
        m = self.run_model(
            model="import pack.inner, math\nfrom pack import inner as again\ndef model(): return pack.inner.value, again is pack.inner, __name__\n",
            pack="from . import inner\n",
            pack__inner="from math import floor\nvalue = floor(2.5)\n",
        )
        self.assertEqual(m.call({}), (2, True, "model"))
        self.assertEqual(self.asked, [])
        self.assertEqual(model.own_files, {"model.py", "pack.py", "pack__inner.py"})

    def test_own_module_asks_too(self):
        with self.assertRaisesRegex(ImportError, "no fractions"):
            self.run_model(model="import pack\ndef model(): pass", pack="import fractions\n")

    def test_import_within_the_function(self):
        m = self.run_model(model="def model():\n    import fractions\n")
        with self.assertRaisesRegex(ImportError, "no fractions"):
            m.call({})
        self.assertEqual(self.asked, [("import", "fractions")])

    def test_libraries_are_not_asked(self):
        """The rule is for the model's own statements, not for what they run."""
        import fractions

        m = self.run_model(model="import math\ndef model(f): return f()\n")
        self.assertIs(m.call({"f": lambda: __import__("fractions")}), fractions)
        self.assertEqual(self.asked, [])

    def test_no_function(self):
        for text in ("x = 1\n", "model = 5\n"):
            with self.assertRaisesRegex(model.NoFunction, r"model.py defines no function model: write def model\(...\)"):
                self.run_model(model=text)

    def test_name_is_dunder_model(self):
        m = self.run_model(model="if __name__ == '__main__':\n    raise SystemExit\ndef model(): return __file__\n")
        self.assertEqual(m.call({}), "model.py")


class Seeds(unittest.TestCase):
    def test_reproducible(self):
        import numpy

        draws = []
        urandom = os.urandom
        state, numpy_state = random.getstate(), numpy.random.get_state()
        try:
            for seed, reproducible in ((b"a" * 32, True), (b"a" * 32, True), (b"b" * 32, True), (b"b" * 32, False)):
                os.urandom = random._urandom = urandom
                model.seed_generators(seed, reproducible)
                draws.append((random.random(), numpy.random.random(), os.urandom(8)))
        finally:
            os.urandom = random._urandom = urandom
            random.setstate(state)
            numpy.random.set_state(numpy_state)
        self.assertEqual(draws[0], draws[1])
        for a, b in zip(draws[1], draws[2]):
            self.assertNotEqual(a, b)
        self.assertEqual(draws[2][:2], draws[3][:2])
        self.assertNotEqual(draws[2][2], draws[3][2])
