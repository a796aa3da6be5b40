# run: --timeout 5s --max-output 1M
# verdict: exception
# source: model
# exit: 1
# reason: E.*owned
# stdout: (?m)^sending$
"""An exception of 60 KiB with all that a terminal obeys."""

import os
import struct
import time


def text(s):
    return struct.pack("<I", len(s)) + s


def model():
    print("sending", flush=True)
    os.write(3, struct.pack("<HHIB", 23, 1, 0, 1) + text(b"E\x1b[2J") + text(b"\x1b]0;owned\x07\xc2\x9b31m\xe2\x80\xae" * 3000) + text(b"\r\x1b[1A" * 100) + text(b"\n") + struct.pack("<I", 2**32 - 1))
    time.sleep(4)
