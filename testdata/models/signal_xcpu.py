# verdict: crash
# source: supervisor
# exit: 152
# reason: sent itself signal 24 \(SIGXCPU\)
"""The signal by which the kernel ends who used up his CPU time, from somebody who did not."""

import os
import signal


def model():
    os.kill(os.getpid(), signal.SIGXCPU)
