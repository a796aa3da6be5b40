# run: --timeout 5s --max-output 1M
# verdict: invalid-result
# source: supervisor
# exit: 1
# reason: are no header
# stdout: (?m)^sending$
"""Three bytes."""

import os
import struct
import time


def model():
    print("sending", flush=True)
    os.write(3, b"\x16\0\1")
    time.sleep(4)
