# exit: 0
# value: result 1
# value: result_1 "two"
# value: result_2 [3, 3]
import numpy as np


def model():
    return 1, "two", np.full(2, 3)
