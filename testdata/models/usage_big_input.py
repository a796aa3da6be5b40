# run: --memory 60M --timeout 120s big=@$BIG
# exit: 0
# source: supervisor
# reason: the model returned
# value: result 0
# usage: in 256M
# usage: memory measured
"""A granted array may be larger than the memory limit: it is not the model's."""

import numpy as np


def model(big):
    total = int(big.sum())
    own = np.ones(40 << 20, dtype=np.uint8)
    print("measured memory", own.nbytes)
    return total
