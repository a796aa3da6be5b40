# run: --timeout 10s
# verdict: invalid-result
# source: supervisor
# exit: 1
# stdout: (?s)before.*result
"""stdout in the place of the control socket: a frame there is only what the model prints."""

import os
import time


def model():
    print("before", flush=True)
    os.dup2(1, 3)
    os.write(3, b"\x16\0\1\0\0\0\0\0\1\0\0\0\6\0\0\0result\0")
    time.sleep(8)
