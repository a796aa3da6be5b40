# exit: 0
# stdout: printed
# value: text "\u001b[2J\u009b\u202e\\ud800\u0000"
# refused: open /\x1b\[2J.*
"""Control sequences, bidirectional marks, NULs and bytes that are no UTF-8: the report is JSON all the same."""

import os
import sys


def model():
    os.write(1, b"printed \xff\xfe\xc3( \x1b[2J\x9b31m \xe2\x80\xae \xc2\x9b \0 \xed\xa0\x80 \xf4\x90\x80\x80 \r\x1b[1A\n")
    os.write(2, bytes(range(256)))
    print("\ud800 printed \x1b]0;owned\x07", file=sys.stderr)
    for path in b"/\x1b[2J", b"/\xff\xc2\x9b", "/\u202ename", "/" + "\x07" * 3000:
        try:
            os.open(path, os.O_RDONLY)
        except OSError:
            pass
    return {"text": "\x1b[2J\x9b\u202e\ud800\0", "bytes": b"\xff\x1b[2J"}
