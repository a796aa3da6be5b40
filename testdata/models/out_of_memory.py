# run: --memory 48M --module mmap --module ctypes --threads 40
# verdict: memory-limit
# source: kernel
# exit: 137
# reason: memory limit of 48M
import ctypes
import mmap


def model():
    # Shared anonymous memory is not data: only the control group counts it.
    size = 256 << 20
    m = mmap.mmap(-1, size)
    for i in range(0, size, 4096):
        m[i] = 1
