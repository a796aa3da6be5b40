# run: --timeout 5s --max-output 1M
# verdict: invalid-result
# source: supervisor
# exit: 1
# reason: 1025 results
# stdout: (?m)^sending$
"""More results than there may be."""

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
    os.write(3, result(*((b"r%d" % i, b"\0") for i in range(1025))))
    time.sleep(4)
