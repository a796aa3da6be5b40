# verdict: crash
# source: supervisor
# exit: 134
# reason: sent itself signal 6 \(SIGABRT\)
import os


def model():
    os.abort()
