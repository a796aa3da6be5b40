# verdict: crash
# source: kernel
# exit: 1
# reason: exited with status 9 without a result
import os


class Evil(Exception):
    def __str__(self):
        os._exit(9)


def model():
    raise Evil
