import numpy as np


def model(x=None):
    return int(np.arange(8).sum())
