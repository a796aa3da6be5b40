# verdict: crash
# source: supervisor
# exit: 143
# reason: sent itself signal 15 \(SIGTERM\)
import os


def model():
    os.kill(0, 15)
