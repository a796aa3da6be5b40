# run: --max-output 1M
# verdict: output-limit
# source: model
# exit: 4
# reason: need at least 8000000 bytes, the limit is 1048576
import numpy as np


def model():
    return np.zeros(1_000_000)
