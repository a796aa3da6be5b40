# verdict: crash
# source: supervisor
# exit: 142
# reason: sent itself signal 14 \(SIGALRM\)
import signal


def model():
    signal.raise_signal(signal.SIGALRM)
