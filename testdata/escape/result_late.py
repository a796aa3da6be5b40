# run: --max-output 64M --threads 8
# exit: 0
# stdout: (?m)^writers run$
"""Threads go on writing the output while the result is taken: what arrives is stable all the same."""

import threading

import hotcell
import numpy as np


def write_for_ever(output):
    array = np.frombuffer(output, dtype="u1")
    while True:
        array += 1


def model():
    output = hotcell.empty.__self__.view
    for _ in range(4):
        threading.Thread(target=write_for_ever, args=(output,), daemon=True).start()
    print("writers run", flush=True)
    return np.frombuffer(output, dtype="f8")[: 1 << 20], np.zeros(1 << 10)
