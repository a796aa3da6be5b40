# run: --timeout 5s --max-output 1M
# verdict: invalid-result
# source: supervisor
# exit: 1
# reason: an integer of 40000 bytes
# stdout: (?m)^sending$
"""An integer larger than a frame should hold, for whoever prints it in decimal."""

import os
import struct
import time


def text(s):
    return struct.pack("<I", len(s)) + s


def result(*named):
    values = b"".join(text(name) + value for name, value in named)
    return struct.pack("<HHII", 22, 1, 0, len(named)) + values


def model():
    print("sending", flush=True)
    os.write(3, result((b"a", b"\2\0" + text(b"\1" * 40000))))
    time.sleep(4)
