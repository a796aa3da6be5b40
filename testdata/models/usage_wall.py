# exit: 0
# source: supervisor
# reason: the model returned
# usage: wall measured
import time

began = time.monotonic()


def model():
    time.sleep(2.5)
    print("measured wall", time.monotonic() - began)
