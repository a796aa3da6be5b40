# exit: 0
# source: supervisor
# reason: the model returned
# usage: memory measured
import numpy as np


def model():
    touched = np.ones(25 << 20, dtype=np.float64)
    print("measured memory", touched.nbytes)
    return touched[0]
