# run: --timeout 5s --max-output 1M
# verdict: memory-limit
# source: model
# exit: 137
# stdout: (?m)^sending$
"""A memory limit that is none: it stays the model's word."""

import os
import struct
import time


def text(s):
    return struct.pack("<I", len(s)) + s


def model():
    print("sending", flush=True)
    os.write(3, struct.pack("<HHIB", 23, 1, 0, 7) + text(b"MemoryError") + text(b"killed by the kernel") + text(b"") + text(b"") + struct.pack("<I", 0))
    time.sleep(4)
