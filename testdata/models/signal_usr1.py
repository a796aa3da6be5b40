# verdict: crash
# source: supervisor
# exit: 138
# reason: sent itself signal 10 \(SIGUSR1\)
import os
import signal


def model():
    os.kill(os.getpid(), signal.SIGUSR1)
