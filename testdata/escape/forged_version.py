# run: --timeout 5s --max-output 1M
# verdict: invalid-result
# source: supervisor
# exit: 1
# reason: protocol version 2
# stdout: (?m)^sending$
"""A frame of another version."""

import os
import struct
import time


def model():
    print("sending", flush=True)
    os.write(3, struct.pack("<HHI", 22, 2, 0))
    time.sleep(4)
