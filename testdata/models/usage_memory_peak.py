# exit: 0
# source: supervisor
# reason: the model returned
# usage: memory measured
"""What was given back counts: a peak stays."""

import numpy as np


def model():
    first = np.ones(200 << 20, dtype=np.uint8)
    print("measured memory", first.nbytes)
    del first
    return np.ones(50 << 20, dtype=np.uint8)[0]
