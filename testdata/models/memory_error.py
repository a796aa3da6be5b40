# run: --memory 64M
# verdict: memory-limit
# source: model
# exit: 137
# reason: the memory limit is 64M: raise --memory
import numpy as np


def model():
    return np.ones(100_000_000)  ### "MemoryError"
