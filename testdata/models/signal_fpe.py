# verdict: crash
# source: kernel
# exit: 136
# reason: died of signal 8 \(SIGFPE\)
import faulthandler


def model():
    faulthandler._sigfpe()
