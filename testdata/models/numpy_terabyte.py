# run: --memory 100M
# verdict: memory-limit
# source: model
# exit: 137
import numpy as np


def model():
    return np.zeros(2**37)  ### "MemoryError: Unable to allocate 1.00 TiB"
