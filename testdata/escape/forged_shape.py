# run: --timeout 5s --max-output 1M
# verdict: invalid-result
# source: supervisor
# exit: 1
# reason: negative length
# stdout: (?m)^sending$
"""A result with a negative length."""

import os
import struct
import time


def text(s):
    return struct.pack("<I", len(s)) + s


def array(descr=b"<f8", shape=(1,), offset=0):
    axes = b"".join(struct.pack("<q", n) for n in shape)
    return b"\6" + text(descr) + struct.pack("<Bq", 0, offset) + struct.pack("<I", len(shape)) + axes


def result(*named):
    values = b"".join(text(name) + value for name, value in named)
    return struct.pack("<HHII", 22, 1, 0, len(named)) + values


def model():
    print("sending", flush=True)
    os.write(3, result((b"a", array(shape=(2, -1)))))
    time.sleep(4)
