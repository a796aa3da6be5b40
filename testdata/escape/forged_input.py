# run: --timeout 5s --max-output 1M
# verdict: setup-error
# source: model
# exit: 2
# stdout: (?m)^sending$
"""An unusable input, by the model's own word: the report must not take it for the supervisor's."""

import os
import struct
import time


def text(s):
    return struct.pack("<I", len(s)) + s


def model():
    print("sending", flush=True)
    os.write(3, struct.pack("<HHIB", 23, 1, 0, 4) + text(b"") + text(b"unknown input") + text(b"") + text(b"") + struct.pack("<I", 0))
    time.sleep(4)
