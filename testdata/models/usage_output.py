# run: --memory 200M
# exit: 0
# source: supervisor
# reason: the model returned
# usage: out 64M
# usage: memory 128M
"""A result is in the model's memory and once more in the region it is handed over in."""

import numpy as np


def model():
    return np.ones(64 << 20, dtype=np.uint8)
