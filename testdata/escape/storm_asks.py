# run: --timeout 5s --max-operations 1000
# verdict: operation-limit
# source: supervisor
# exit: 4
# stdout: (?m)^storm$
# refused: import x\d+
"""Questions without end through the asked door count like those of the kernel's."""

import os
import struct


def text(s):
    return struct.pack("<I", len(s)) + s


def model():
    print("storm", flush=True)
    for i in range(100_000):
        os.write(4, struct.pack("<HHI", 24, 1, i) + text(b"import") + text(b"x%d" % i))
        os.read(4, 1 << 16)
