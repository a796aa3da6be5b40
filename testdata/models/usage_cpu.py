# exit: 0
# source: supervisor
# reason: the model returned
# usage: cpu measured
import time

began = time.process_time()


def model():
    while time.process_time() - began < 1.5:
        sum(range(1000))
    print("measured cpu", time.process_time() - began)
