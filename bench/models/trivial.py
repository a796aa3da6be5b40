import numpy as np


def model():
    return np.arange(8).sum()
