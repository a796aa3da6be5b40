# run: --timeout 1s --max-operations 1000000
# verdict: wall-time-limit
# source: supervisor
# exit: 124
# stdout: (?m)^storm$
"""Questions whose answers nobody reads: the supervisor's own writing must not hold it."""

import os
import struct


def text(s):
    return struct.pack("<I", len(s)) + s


def model():
    print("storm", flush=True)
    while True:
        os.write(4, struct.pack("<HHI", 24, 1, 0) + text(b"import") + text(b"x" * 20000))
