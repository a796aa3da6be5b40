# run: --timeout 5s --max-output 1M
# verdict: invalid-result
# source: supervisor
# exit: 1
# reason: failed message in answer to call
# stdout: (?m)^sending$
"""A failed confinement step, as if the host could not hold models."""

import os
import struct
import time


def text(s):
    return struct.pack("<I", len(s)) + s


def model():
    print("sending", flush=True)
    os.write(3, struct.pack("<HHIQ", 5, 1, 0, 1) + text(b"seccomp") + struct.pack("<I", 38) + text(b"no kernel support"))
    time.sleep(4)
