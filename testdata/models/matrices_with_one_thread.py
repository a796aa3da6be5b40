# run: --threads 1 --cpus 2 --timeout 20s
# exit: 0
# value: result 1
# value: result_1 700
import os

import numpy as np


def model():
    a = np.ones((700, 700))
    return os.cpu_count(), float((a @ a)[0, 0])
