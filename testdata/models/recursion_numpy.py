# verdict: recursion-limit
# source: kernel
# exit: 4
# reason: recursion in native code used up the stack of 8M
import numpy as np


class Deep:
    def __add__(self, other):
        return np.array([self], dtype=object) + other


def model():
    return Deep() + 1
