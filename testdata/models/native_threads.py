# exit: 0
# value: result [1, 1]
"""How many processors there are, for programs that ask; and something for their threads to do."""

import os
import time

import numpy as np


def model():
    a = np.ones((600, 600))
    for _ in range(2):
        a @ a
    time.sleep(0.1)
    return np.array([os.cpu_count(), len(os.sched_getaffinity(0))])
