"""Work that makes no routed call: computing, and allocating in each way that
Python and numpy have. Prints wall and CPU seconds of each repetition.
"""

import json
import time

import numpy as np


def float_loop():
    x = 0.0
    for i in range(1_000_000):
        x = x * 0.5 + i
    return x


MATRIX = np.linspace(0.0, 1.0, 300 * 300).reshape(300, 300)


def matmul():
    for _ in range(5):
        MATRIX @ MATRIX


def list_append():
    grown = []
    for i in range(1_000_000):
        grown.append(i)


def list_of_objects():
    [(i, float(i)) for i in range(200_000)]


def bytearray_extend():
    grown, piece = bytearray(), bytes(4096)
    for _ in range(16_384):  # to 64 MiB: past what the allocator keeps on its heap
        grown += piece


def ndarray_resize():
    grown = np.zeros(8192)
    for i in range(2, 512):  # to 32 MiB
        grown.resize(8192 * i, refcheck=False)


def ndarray_concatenate():
    grown, piece = np.zeros(0), np.ones(8192)
    for _ in range(96):  # to 6 MiB, each step in a new array
        grown = np.concatenate([grown, piece])


def arrays_1_mib():
    for _ in range(200):
        np.ones(1 << 17)


def arrays_64_mib():
    for _ in range(3):  # mapped and unmapped each time
        np.ones(1 << 23)


WORKLOADS = (
    float_loop,
    matmul,
    list_append,
    list_of_objects,
    bytearray_extend,
    ndarray_resize,
    ndarray_concatenate,
    arrays_1_mib,
    arrays_64_mib,
)


def timed(work):
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return [time.perf_counter() - wall, time.process_time() - cpu]


def model(repeats):
    out = {}
    for work in WORKLOADS:
        work()  # not counted: first touches of the heap
        out[work.__name__] = [timed(work) for _ in range(repeats)]
    print(json.dumps(out))
