"""Runs all tests of this folder with the package beside it.

A skipped test is a failed one, and so is an error that Python can only print:
in a thread, or of an object that is collected with its descriptor open.
"""

import os
import sys
import threading
import unittest


def main():
    folder = os.path.dirname(os.path.abspath(__file__))
    sys.dont_write_bytecode = True
    sys.path[:0] = [os.path.dirname(folder), folder]
    printed = []
    for module, name in ((sys, "unraisablehook"), (threading, "excepthook")):
        hook = getattr(module, name)
        setattr(module, name, lambda args, hook=hook: (printed.append(args), hook(args)))
    suite = unittest.defaultTestLoader.discover(folder)
    result = unittest.TextTestRunner().run(suite)
    if printed:
        print(f"FAILED: {len(printed)} errors that nobody could raise", file=sys.stderr)
    return not result.testsRun or not result.wasSuccessful() or bool(result.skipped) or bool(printed)


if __name__ == "__main__":
    sys.exit(main())
