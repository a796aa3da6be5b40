# run: --timeout 5s --max-output 1M
# verdict: invalid-result
# source: supervisor
# exit: 1
# reason: not UTF-8
# stdout: (?m)^sending$
"""An exception that is not UTF-8."""

import os
import struct
import time


def text(s):
    return struct.pack("<I", len(s)) + s


def model():
    print("sending", flush=True)
    os.write(3, struct.pack("<HHIB", 23, 1, 0, 1) + text(b"\xff") + text(b"") + text(b"") + text(b"") + struct.pack("<I", 0))
    time.sleep(4)
