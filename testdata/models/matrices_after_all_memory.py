# run: --memory 200M --timeout 20s
# verdict: memory-limit
# source: model
# exit: 137
import numpy as np


def model():
    kept = np.ones(170 << 17)
    a = kept[:4_000_000].reshape(2000, 2000)
    return a @ a  ### "MemoryError: Unable to allocate 30.5 MiB"
