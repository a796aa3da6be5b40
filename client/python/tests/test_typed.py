"""The package is typed: whoever checks types finds them."""

import inspect
import os
import typing
import unittest

import hotcell
import hotcell.aio


def public():
    """All functions that a user calls, by name."""
    for module, names in ((hotcell, hotcell.__all__), (hotcell.aio, ("Supervisor", "Model", "Starting", "start"))):
        for name in names:
            thing = getattr(module, name)
            if inspect.isfunction(thing):
                yield f"{module.__name__}.{name}", thing
            else:
                for member, v in vars(thing).items():
                    v = v.fget if isinstance(v, property) else v
                    if inspect.isfunction(v) and (not member.startswith("_") or member in ("__init__", "__call__")) and v.__module__.startswith("hotcell"):
                        yield f"{module.__name__}.{name}.{member}", v


class Typed(unittest.TestCase):
    def test_annotations(self):
        found = 0
        for name, function in public():
            with self.subTest(name):
                found += 1
                signature = inspect.signature(function)
                for parameter in list(signature.parameters.values()):
                    if parameter.name != "self":
                        self.assertIsNot(parameter.annotation, parameter.empty, parameter.name)
                self.assertIsNot(signature.return_annotation, signature.empty)
        self.assertGreater(found, 30)

    def test_they_mean_something(self):
        """Each name in them is there, but for those that only a checker imports."""
        for name, function in public():
            with self.subTest(name):
                try:
                    typing.get_type_hints(function)
                except NameError as e:
                    self.assertIn(e.name, ("Supervisor", "Model", "Report"))

    def test_marked(self):
        self.assertTrue(os.path.exists(os.path.join(os.path.dirname(hotcell.__file__), "py.typed")))


if __name__ == "__main__":
    unittest.main()
