# run: --timeout 5s --max-output 64K
# verdict: invalid-result
# source: supervisor
# exit: 1
# reason: overlap|bytes of text
# stdout: (?m)^sending$
"""A hundred texts, each of them the whole region: the host would hold and write it a hundred times."""

import os
import struct
import time


def text(s):
    return struct.pack("<I", len(s)) + s


def result(*named):
    values = b"".join(text(name) + value for name, value in named)
    return struct.pack("<HHII", 22, 1, 0, len(named)) + values


def model():
    print("sending", flush=True)
    os.write(3, result(*((b"r%d" % i, b"\7" + struct.pack("<QQ", 0, 64 << 10)) for i in range(100))))
    time.sleep(4)
