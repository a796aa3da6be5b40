# run: --module ctypes --memory 64M --timeout 10s --cpu-time 10s
# verdict: memory-limit
# source: kernel
# exit: 137
# stdout: (?m)^mapping$
"""The kernel's own memory for a process counts: page tables for 60,000 mappings far from each other."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]


def model():
    print("mapping", flush=True)
    for i in range(1, 60_000):
        at = libc.mmap((1 << 41) + (i << 30), 4096, 1, 0x22 | 0x4000, -1, 0)
        ctypes.string_at(at, 1)
    print("all mapped")
