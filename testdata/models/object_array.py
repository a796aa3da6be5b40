# verdict: invalid-result
# exit: 1
# reason: holds Python objects
import numpy as np


def model():
    return np.array([object(), None])
