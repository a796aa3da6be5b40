"""Loops in C that make one system call again and again.

An interpreter imports this before a sandbox locks itself down: afterwards no
library can be mapped.
"""

import ctypes
import os

ALLOWED = ("getppid", "map")
ROUTED = ("denied", "opened")

_library = ctypes.CDLL(os.path.join(os.path.dirname(__file__), "calls.so"))
_loops = {name: getattr(_library, name + "_blocks") for name in ALLOWED + ROUTED}
for _loop in _loops.values():
    _loop.argtypes, _loop.restype = [ctypes.POINTER(ctypes.c_double), ctypes.c_long], None


def blocks(name, count):
    """Nanoseconds a call, by blocks of calls."""
    out = (ctypes.c_double * count)()
    _loops[name](out, count)
    return list(out)
