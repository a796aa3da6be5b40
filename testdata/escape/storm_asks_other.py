# run: --timeout 3s --max-operations 1000
# verdict: operation-limit
# source: supervisor
# exit: 4
# stdout: (?m)^storm$
"""Questions of a kind that is not asked through this door: they count all the same."""

import os
import struct


def text(s):
    return struct.pack("<I", len(s)) + s


def model():
    print("storm", flush=True)
    while True:
        os.write(4, struct.pack("<HHI", 24, 1, 0) + text(b"open") + text(b"/etc/passwd"))
        os.read(4, 1 << 16)
