# exit: 0
# value: result [10, 12]
import os
import signal

import numpy as np

got = []


def model():
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, lambda n, frame: got.append(n))
    signal.raise_signal(signal.SIGUSR1)
    os.kill(0, signal.SIGUSR2)
    return np.array(got)
