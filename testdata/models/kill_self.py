# verdict: crash
# source: supervisor
# exit: 137
# reason: sent itself signal 9 \(SIGKILL\)
import os


def model():
    os.kill(os.getpid(), 9)
