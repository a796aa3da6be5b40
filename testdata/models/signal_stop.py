# exit: 0
# value: result "went on"
"""A stop that one sends to oneself is lost: a sandbox is PID 1."""

import os
import signal


def model():
    os.kill(os.getpid(), signal.SIGSTOP)
    return "went on"
