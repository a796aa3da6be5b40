# run: --module mmap --memory 64M --timeout 5s
# verdict: memory-limit
# source: kernel
# exit: 137
# stdout: (?m)^touching$
"""Shared memory is not counted by the process's own limit, but by the group's."""

import mmap


def model():
    memory = mmap.mmap(-1, 1 << 30, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
    print("touching", flush=True)
    for at in range(0, 1 << 30, 4096):
        memory[at] = 1
