# run: --timeout 5s --max-output 1M
# verdict: invalid-result
# source: supervisor
# exit: 1
# reason: closed its control socket
# stdout: (?m)^sending$
"""A datagram of no bytes, which looks like the end."""

import os
import struct
import time


def model():
    print("sending", flush=True)
    os.write(3, b"")
    time.sleep(4)
