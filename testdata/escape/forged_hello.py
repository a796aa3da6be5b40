# run: --timeout 5s --max-output 1M
# verdict: invalid-result
# source: supervisor
# exit: 1
# reason: hello message in answer to call
# stdout: (?m)^sending$
"""Hello again, with a descriptor's number to fetch."""

import os
import struct
import time


def model():
    print("sending", flush=True)
    os.write(3, struct.pack("<HHIII", 16, 1, 0, 0, 9))
    time.sleep(4)
