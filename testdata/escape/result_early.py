# run: --max-output 1M
# exit: 0
# stdout: (?m)^answered before the call$
# value: forged 7
"""The answer comes before the call: it is one like any other, and the second one is never read."""

import os
import struct


def frame(kind, payload=b""):
    os.write(3, struct.pack("<HHI", kind, 1, 0) + payload)


def model():
    while True:
        pass


print("answered before the call", flush=True)
frame(20)
frame(22, struct.pack("<II6sBBIB", 1, 6, b"forged", 2, 0, 1, 7))
frame(22, struct.pack("<II6sBBIB", 1, 6, b"second", 2, 0, 1, 8))
