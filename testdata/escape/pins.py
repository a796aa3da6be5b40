# run: --module ctypes --threads 8 --timeout 1s
# verdict: wall-time-limit
# source: supervisor
# exit: 124
# stdout: (?m)^sealed and listed$
"""What takes the kernel longer when a process ends: sealed mappings, robust lists that go round, threads that wait."""

import ctypes
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]


class Robust(ctypes.Structure):
    pass


Robust._fields_ = [("next", ctypes.POINTER(Robust)), ("offset", ctypes.c_long), ("pending", ctypes.c_void_p)]


def circle():
    entries = [Robust() for _ in range(3)]
    for i, entry in enumerate(entries):
        entry.next = ctypes.pointer(entries[1:][i % 2])  # never back to the head
        entry.offset = 8
    libc.syscall(ctypes.c_long(273), ctypes.byref(entries[0]), ctypes.c_long(24))
    time.sleep(100)


def model():
    for _ in range(5):
        threading.Thread(target=circle).start()
    for _ in range(200):
        at = libc.mmap(None, 1 << 16, 3, 0x22, -1, 0)
        ctypes.memset(at, 1, 1 << 16)
        libc.syscall(ctypes.c_long(462), ctypes.c_void_p(at), ctypes.c_long(1 << 16), ctypes.c_long(0))
    print("sealed and listed", flush=True)
    time.sleep(100)
