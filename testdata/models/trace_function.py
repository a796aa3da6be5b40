# run: --timeout 400ms
# verdict: wall-time-limit
# source: supervisor
# exit: 124
# reason: longer than 400ms
import sys


def model():
    def trace(*args):
        while True:
            pass

    sys.settrace(trace)
    return 1
