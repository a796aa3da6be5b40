# verdict: crash
# source: supervisor
# exit: 139
# reason: sent itself signal 11 \(SIGSEGV\)
import os
import signal


def model():
    os.kill(os.getpid(), signal.SIGSEGV)
