# verdict: crash
# source: kernel
# exit: 1
# reason: exited with status 1 without a result
import faulthandler
import time


def model():
    faulthandler.dump_traceback_later(0.1, exit=True)
    time.sleep(10**6)
