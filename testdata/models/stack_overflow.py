# verdict: recursion-limit
# source: kernel
# exit: 4
# reason: recursion in native code used up the stack of 8M
# stdout: ^$
import faulthandler


def model():
    faulthandler._stack_overflow()
