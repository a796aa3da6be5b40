# run: --module ctypes --timeout 1s --threads 8
# verdict: wall-time-limit
# source: supervisor
# exit: 124
# stdout: (?m)^stuck$
"""Threads that wait for ever in the kernel, holding the interpreter's lock: no word of Python runs any more."""

import ctypes
import threading
import time

libc = ctypes.PyDLL(None)


def model():
    word = ctypes.c_int(0)
    for number, *args in [(7, None, 0, -1), (202, ctypes.byref(word), 128, 0, None)]:
        threading.Thread(target=ctypes.CDLL(None).syscall, args=(ctypes.c_long(number), *args)).start()
    time.sleep(0.05)
    print("stuck", flush=True)
    while True:
        libc.syscall(ctypes.c_long(34))
