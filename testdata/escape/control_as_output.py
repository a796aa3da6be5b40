# run: --timeout 5s
# verdict: invalid-result
# source: supervisor
# exit: 1
# stdout: (?m)^before$
"""The control socket in the place of stdout: text is no frame."""

import os
import time


def model():
    print("before", flush=True)
    os.dup2(3, 1)
    print("hello", flush=True)
    time.sleep(4)
