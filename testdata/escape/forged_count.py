# run: --timeout 5s --max-output 1M
# verdict: invalid-result
# source: supervisor
# exit: 1
# reason: a count of 4294967295
# stdout: (?m)^sending$
"""A count of four billion results in an empty frame."""

import os
import struct
import time


def model():
    print("sending", flush=True)
    os.write(3, struct.pack("<HHII", 22, 1, 0, 2**32 - 1))
    time.sleep(4)
