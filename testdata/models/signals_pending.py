# exit: 0
# value: result 64
"""Of signals that wait, the kernel keeps no more than a few."""

import os
import signal


def model():
    number = signal.SIGRTMIN
    signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    for _ in range(500):
        os.kill(os.getpid(), number)
    got = 0
    while signal.sigtimedwait([number], 0):
        got += 1
    return got
