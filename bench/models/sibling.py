"""A well-behaved model: a fixed amount of work on one thread."""

import time


def work(count):
    x = 0.0
    for i in range(count):
        x = x * 0.5 + i
    return x


def model(count):
    work(count // 20)
    start = time.perf_counter()
    work(count)
    print(time.perf_counter() - start)
