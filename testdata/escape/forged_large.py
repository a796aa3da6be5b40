# run: --timeout 5s --max-output 1M
# verdict: invalid-result
# source: supervisor
# exit: 1
# reason: larger than 65536 bytes
# stdout: (?m)^sending$
"""A frame beyond 64 KiB."""

import os
import struct
import time


def model():
    print("sending", flush=True)
    os.write(3, struct.pack("<HHI", 22, 1, 0) + bytes(65529))
    time.sleep(4)
