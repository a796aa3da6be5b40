# verdict: invalid-result
# source: model
# exit: 1
# reason: holds Python objects
import numpy as np


def model():
    return np.array([object(), None])
