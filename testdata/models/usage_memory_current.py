# run: --module mmap
# exit: 0
# source: supervisor
# reason: the model returned
# usage: memory 150M
# usage: current measured
# usage: heap measured
"""What there is at the verdict: numpy's is heap, shared memory is not."""

import mmap

import numpy as np

heap = np.ones(100 << 20, dtype=np.uint8)
shared = mmap.mmap(-1, 50 << 20)
for at in range(0, len(shared), 4096):
    shared[at] = 1


def model():
    print("measured heap", heap.nbytes)
    print("measured current", heap.nbytes + len(shared))
