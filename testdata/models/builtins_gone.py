# verdict: crash
# source: kernel
# exit: 1
# reason: exited with status 70 without a result
import builtins


def model():
    vars(builtins).clear()
    return 1
