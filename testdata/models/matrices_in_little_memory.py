# run: --memory 48M --cpus 2 --timeout 20s
# exit: 0
# value: result 700
"""OpenBLAS takes 128 MiB of addresses for each of its threads, and waits for ever where it gets none."""

import numpy as np


def model():
    a = np.ones((700, 700))
    return float((a @ a)[0, 0])
