# run: --cpu-time 400ms
# verdict: cpu-time-limit
# source: kernel
# exit: 124
# reason: CPU time of 400ms
# usage: cpu 400ms
import sys

sys.unraisablehook = lambda unraisable: None


def stubborn():
    while True:
        try:
            yield
        except BaseException:
            pass


def model():
    while True:
        endless = stubborn()
        next(endless)
        try:
            endless.close()
        except RuntimeError:
            pass
