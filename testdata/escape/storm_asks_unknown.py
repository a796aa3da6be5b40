# run: --timeout 3s --max-operations 1000
# verdict: invalid-result
# source: supervisor
# exit: 1
# stdout: (?m)^storm$
"""Questions of no kind: the supervisor must not go on answering them at its own cost."""

import os
import struct


def text(s):
    return struct.pack("<I", len(s)) + s


def model():
    print("storm", flush=True)
    while True:
        os.write(4, struct.pack("<HHI", 24, 1, 0) + text(b"nonsense") + text(b"x" * 1000))
        os.read(4, 1 << 16)
