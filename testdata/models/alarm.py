# run: --timeout 400ms
# verdict: wall-time-limit
# source: supervisor
# exit: 124
# reason: longer than 400ms
# usage: wall 400ms
"""A timer's signal that nobody handles is lost: a sandbox is PID 1."""

import signal
import time


def model():
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    signal.alarm(1)
    time.sleep(10**6)
