# run: --module ctypes --max-operations 1000000 --threads 12 --timeout 10s
# verdict: crash
# source: kernel
# exit: 139
# stdout: (?m)^ten threads ask$
# refused: stat /somewhere
"""The process dies while ten of its threads wait for an answer."""

import ctypes
import os
import threading
import time


def ask():
    while True:
        try:
            os.stat("/somewhere")
        except OSError:
            pass


def model():
    print("ten threads ask", flush=True)
    for _ in range(10):
        threading.Thread(target=ask).start()
    time.sleep(0.2)
    ctypes.string_at(0)
