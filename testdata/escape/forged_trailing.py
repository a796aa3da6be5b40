# run: --timeout 5s --max-output 1M
# verdict: invalid-result
# source: supervisor
# exit: 1
# reason: 1 bytes too many
# stdout: (?m)^sending$
"""A frame with a byte too many."""

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
    os.write(3, result((b"a", b"\0")) + b"x")
    time.sleep(4)
