# run: --timeout 5s --max-output 1M
# verdict: invalid-result
# source: supervisor
# exit: 1
# reason: lies outside the output
# stdout: (?m)^sending$
"""A text that lies outside the region, by an offset that wraps."""

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
    os.write(3, result((b"a", b"\7" + struct.pack("<QQ", 2**64 - 1, 2))))
    time.sleep(4)
