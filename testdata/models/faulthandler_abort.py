# verdict: crash
# source: supervisor
# exit: 134
# reason: sent itself signal 6 \(SIGABRT\)
import faulthandler
import os


def model():
    faulthandler.enable()
    os.abort()
