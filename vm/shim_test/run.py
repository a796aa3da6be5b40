"""The module that the bootstrap runs after the shim's own in a test.

It replaces the template's main function by the tests of this folder, whose
path is the interpreter's argument. A skipped test is a failed one.
"""

import os
import sys
import unittest

from _hotcell import template


def main():
    folder = sys.argv[1]
    sys.dont_write_bytecode = True
    sys.path.insert(0, folder)
    suite = unittest.defaultTestLoader.discover(folder)
    result = unittest.TextTestRunner().run(suite)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(not result.testsRun or not result.wasSuccessful() or bool(result.skipped))


template.main = main
