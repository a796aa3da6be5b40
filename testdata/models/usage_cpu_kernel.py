# exit: 0
# source: supervisor
# reason: the model returned
# usage: cpu measured
"""The kernel's work for a model is the model's."""

import os
import time

began = time.process_time()


def model():
    while time.process_time() - began < 1.5:
        for _ in range(1000):
            os.lseek(0, 0, os.SEEK_CUR)
    print("measured cpu", time.process_time() - began)
