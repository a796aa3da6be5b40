# exit: 0
# source: supervisor
# reason: the model returned
# usage: memory measured
"""Memory that was asked for and never touched costs nothing."""

import numpy as np


def model():
    asked = np.zeros(400 << 20, dtype=np.uint8)
    asked[: 100 << 20] = 1
    print("measured memory", 100 << 20)
