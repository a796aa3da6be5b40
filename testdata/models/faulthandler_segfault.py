# verdict: crash
# source: kernel
# exit: 139
# reason: died of signal 11 \(SIGSEGV\)
import faulthandler


def model():
    faulthandler._read_null()
