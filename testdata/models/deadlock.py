# run: --timeout 400ms
# verdict: wall-time-limit
# source: supervisor
# exit: 124
# reason: longer than 400ms
# usage: wall 400ms
import threading


def model():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()
