# run: --memory 100M --module mmap
# verdict: memory-limit
# source: model
# exit: 137
# reason: Cannot allocate memory
"""Address space alone ends too: a host may have promised it to nobody else."""

import mmap


def model():
    bombs = []
    while True:
        bombs.append(mmap.mmap(-1, 1 << 30))  ### "^OSError: .Errno 12. Cannot allocate memory"
