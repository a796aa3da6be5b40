# exit: 0
# value: result "went on"
import os
import signal


def model():
    for number in signal.SIGPIPE, signal.SIGXFSZ, signal.SIGSTOP, signal.SIGCHLD:
        os.kill(os.getpid(), number)
    return "went on"
