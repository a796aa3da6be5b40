# run: --timeout 5s --max-output 1M
# verdict: invalid-result
# source: supervisor
# exit: 1
# reason: unknown message type 99
# stdout: (?m)^sending$
"""A message that nobody knows."""

import os
import struct
import time


def model():
    print("sending", flush=True)
    os.write(3, struct.pack("<HHI", 99, 1, 0))
    time.sleep(4)
