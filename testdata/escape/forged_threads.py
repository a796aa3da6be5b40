# run: --timeout 5s --max-output 1M
# verdict: memory-limit
# source: model
# exit: 137
# stdout: (?m)^sending$
"""The words of a refused thread without one: no thread-limit."""

import os
import struct
import time


def text(s):
    return struct.pack("<I", len(s)) + s


def model():
    print("sending", flush=True)
    os.write(3, struct.pack("<HHIB", 23, 1, 0, 1) + text(b"RuntimeError") + text(b"can't start new thread") + text(b"") + text(b"") + struct.pack("<I", 0))
    time.sleep(4)
