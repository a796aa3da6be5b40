# exit: 1
# verdict: exception
# source: model
import signal
import time


class Late(Exception):
    pass


def late(number, frame):
    raise Late("after a tenth of a second")  ### "^Late: after a tenth of a second$"


def model():
    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    time.sleep(60)
