# verdict: crash
# source: kernel
# exit: 1
# reason: exited with status 0 without a result
import os


def model():
    os._exit(0)
