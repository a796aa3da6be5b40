"""Models that do not come back by themselves."""

import re
import signal

import numpy as np


def shift():
    n = 1
    while True:
        n = 1 << 28 | n  # large integers, again and again
        n *= n
        n = 1


def power():
    return pow(3, 10**9)


def expression():
    return re.match(r"(a+)+$", "a" * 200 + "b")


def lock():
    a = np.zeros((1 << 12, 1 << 12), dtype=object)  # objects keep the interpreter's lock
    return a.dot(a)


def stubborn():
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue


def sleep():
    import time

    time.sleep(3600)


def model(way):
    return globals()[way]()
