# run: --timeout 5s --max-output 1M
# verdict: invalid-result
# source: supervisor
# exit: 1
# reason: exited message in answer to call
# stdout: (?m)^sending$
"""A template's word: that the sandbox, whose token it knows, exited with status 0."""

import os
import struct
import time


def model():
    print("sending", flush=True)
    os.write(3, struct.pack("<HHIQI", 6, 1, 0, 1, 0))
    time.sleep(4)
