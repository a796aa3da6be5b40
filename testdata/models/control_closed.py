# verdict: crash
# source: kernel
# exit: 1
# reason: exited with status 70 without a result
import os


def model():
    os.close(3)
    return 1
