# run: --timeout 5s --max-output 1M
# verdict: invalid-result
# source: supervisor
# exit: 1
# reason: loaded message in answer to call
# stdout: (?m)^sending$
"""Loaded for a second time."""

import os
import struct
import time


def model():
    print("sending", flush=True)
    os.write(3, struct.pack("<HHI", 20, 1, 0))
    time.sleep(4)
