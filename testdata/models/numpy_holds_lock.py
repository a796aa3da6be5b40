# run: --timeout 400ms
# verdict: wall-time-limit
# source: supervisor
# exit: 124
# reason: longer than 400ms
# usage: wall 400ms
"""One call of numpy that never gives the interpreter's lock up."""

import numpy as np


def model():
    return np.full(2_000_000, 7, dtype=object).prod()
