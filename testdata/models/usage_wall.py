# exit: 0
# source: supervisor
# reason: the model returned
# usage: wall measured
import time

began = time.monotonic()


def model():
    time.sleep(1.2)
    print("measured wall", time.monotonic() - began)
