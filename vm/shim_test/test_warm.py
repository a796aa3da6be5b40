"""What a sandbox that is to wait does beforehand."""

import gc
import os
import sys
import types
import unittest

import golden
from _hotcell import kernel, sandbox, threads, warm

BASE = 1 << 37


class Warm(unittest.TestCase):
    def run_in_child(self, test):
        """Warming changes the interpreter: that it is to do, and in a process of its own."""
        r, w = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                said = test() or "ok"
            except BaseException as e:
                said = f"{type(e).__name__}: {e}"
            os.write(w, said.encode())
            os._exit(0)
        os.close(w)
        self.addCleanup(os.close, r)
        said = os.read(r, 4096).decode()
        os.waitpid(pid, 0)
        self.assertEqual(said, "ok")

    def test_leaves_nothing(self):
        def test():
            before, finders, descriptors = set(sys.modules), sys.meta_path[:], os.listdir("/proc/self/fd")
            functions = [getattr(os, name) for name in warm.PROCESSORS if hasattr(os, name)]
            warm.up(threads.Libraries(), BASE)
            for name in ("model", "hotcell"):
                if name in sys.modules:
                    return f"module {name} is left"
            if sys.meta_path != finders:
                return f"finders {sys.meta_path}"
            if os.listdir("/proc/self/fd") != descriptors:
                return "descriptors are left"
            if [getattr(os, name) for name in warm.PROCESSORS if hasattr(os, name)] != functions:
                return "functions of os are left"
            with open("/proc/self/maps") as f:
                if "memfd:warm" in f.read():
                    return "a mapping is left"
            if before - set(sys.modules) - {"model", "hotcell"}:
                return "modules are gone"

        self.run_in_child(test)

    def test_maps_the_output_ahead(self):
        def test():
            fd = golden.memfd(b"", 8192)
            fds = [None, None, None, None, fd, "group"]
            warm.up_sandbox(threads.Libraries(), types.SimpleNamespace(grants=BASE, output=8192), fds)
            if fds != [None, None, None, None, "group"] or golden.is_open(fd):
                return "the descriptor is left"
            output, granted = sandbox.ahead
            if len(output.view) != 8192 or granted.next <= BASE or not sandbox.seeded:
                return "it is not mapped"
            del output, granted
            sandbox.ahead.clear()
            gc.collect()
            kernel.unmap(BASE, 8192)

        self.run_in_child(test)

    def test_sandboxes_draw_different_numbers(self):
        drawn = set()
        for _ in range(3):
            r, w = os.pipe()
            pid = os.fork()
            if pid == 0:
                import random

                import numpy

                warm.up_sandbox(threads.Libraries(), types.SimpleNamespace(grants=BASE, output=0), [])
                os.write(w, f"{random.random()} {numpy.random.rand()}".encode())
                os._exit(0)
            os.close(w)
            drawn.update(os.read(r, 4096).split())
            os.close(r)
            os.waitpid(pid, 0)
        self.assertEqual(len(drawn), 6)
