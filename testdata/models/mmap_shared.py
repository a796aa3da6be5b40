# run: --memory 64M --module mmap
# verdict: memory-limit
# source: kernel
# exit: 137
# reason: memory limit of 64M
# usage: memory 64M
# usage: memory measured
"""Shared memory is no data to the kernel: the control group is the wall."""

import mmap


def model():
    bombs = []
    while True:
        bombs.append(mmap.mmap(-1, 1 << 20))
        bombs[-1].write(bytes(1 << 20))
        print("measured memory", len(bombs) << 20, flush=True)
