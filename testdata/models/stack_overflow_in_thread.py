# verdict: crash
# source: kernel
# exit: 139
# reason: recursion in C code that ran out of stack
import faulthandler
import threading


def model():
    t = threading.Thread(target=faulthandler._stack_overflow)
    t.start()
    t.join()
