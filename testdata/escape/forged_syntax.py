# run: --timeout 5s --max-output 1M
# verdict: invalid-result
# source: supervisor
# exit: 1
# reason: in answer to call
# stdout: (?m)^sending$
"""A syntax error of a model that runs: it would count as never run."""

import os
import struct
import time


def text(s):
    return struct.pack("<I", len(s)) + s


def model():
    print("sending", flush=True)
    os.write(3, struct.pack("<HHIB", 23, 1, 0, 2) + text(b"SyntaxError") + text(b"bad") + text(b"") + text(b"model.py") + struct.pack("<I", 1))
    time.sleep(4)
