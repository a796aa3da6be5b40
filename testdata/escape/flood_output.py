# run: --max-log 256K --threads 8 --timeout 10s
# verdict: output-limit
# source: supervisor
# exit: 4
# reason: more than 262144 bytes
# stdout: (?s)^x{1000}
# usage: log 256K
"""Both streams at once, from several threads and without a line's end."""

import os
import threading

# More than a pipe holds: when it is written, its beginning was read. Of the
# flood, either stream alone may be what reaches the limit.
BEFORE = 70_000


def flood(fd):
    while True:
        os.write(fd, b"x" * 60_000)


def model():
    os.write(1, b"x" * BEFORE)
    for i in range(6):
        threading.Thread(target=flood, args=(1 + i % 2,)).start()
    flood(1)
