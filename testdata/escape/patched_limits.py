# run: --module resource --max-output 1M --recursion 100 --threads 4 --timeout 5s
# exit: 0
# stdout: (?m)^threads: at most [123]$
# stdout: (?m)^memory: MemoryError$
# stdout: (?m)^files: EMFILE$
"""Limits that the interpreter keeps can be lifted; those of the kernel cannot."""

import errno
import os
import resource
import sys
import threading


def model():
    sys.setrecursionlimit(100_000)
    gate, started = threading.Event(), 0
    try:
        for _ in range(20):
            threading.Thread(target=gate.wait).start()
            started += 1
    except RuntimeError:
        pass
    gate.set()
    print("threads: at most", started)
    for name in "DATA", "AS", "NOFILE", "NPROC", "STACK", "CORE", "CPU":
        kind = getattr(resource, f"RLIMIT_{name}")
        try:
            resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        except (ValueError, OSError):
            continue
        raise AssertionError(name)
    try:
        bytearray(1 << 30)
    except MemoryError:
        print("memory: MemoryError")
    try:
        while True:
            os.dup(0)
    except OSError as e:
        print("files:", errno.errorcode[e.errno])
    os.closerange(4, 256)
