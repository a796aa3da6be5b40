# verdict: crash
# source: supervisor
# exit: 153
# reason: sent itself signal 25 \(SIGXFSZ\)
import os
import signal


def model():
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGXFSZ)
