# run: --module ctypes --timeout 1s --threads 4
# verdict: wall-time-limit
# source: supervisor
# exit: 124
# stdout: (?m)^alone$
"""The first thread ends, which makes a zombie of the process; the others run on until the timeout."""

import ctypes
import os
import threading
import time


def on():
    time.sleep(0.1)
    print("alone", flush=True)
    while True:
        try:
            os.stat("/")
        except OSError:
            time.sleep(0.01)


def model():
    for _ in range(3):
        threading.Thread(target=on).start()
    # Of this thread alone, without the interpreter's lock.
    ctypes.CDLL(None).syscall(ctypes.c_long(60), ctypes.c_long(0))
