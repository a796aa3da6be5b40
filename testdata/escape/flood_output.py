# run: --max-log 64K --threads 8 --timeout 5s
# verdict: output-limit
# source: supervisor
# exit: 4
# reason: more than 65536 bytes
# stdout: (?s)^x{1000}
"""Both streams at once, from several threads and without a line's end."""

import os
import threading


def flood(fd):
    while True:
        os.write(fd, b"x" * 60_000)


def model():
    for i in range(6):
        threading.Thread(target=flood, args=(1 + i % 2,)).start()
    flood(1)
