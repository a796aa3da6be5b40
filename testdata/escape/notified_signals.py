# run: --max-operations 100000 --timeout 10s
# exit: 0
# stdout: (?m)^[1-9]\d* signals, 3000 answers$
# refused: open /somewhere
"""Signals arrive while calls wait for their answer: each call gets one, and the right one."""

import os
import signal


def model():
    signals, answers = [], 0
    signal.signal(signal.SIGALRM, lambda number, frame: signals.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0005)
    for _ in range(3000):
        try:
            os.open("/somewhere", os.O_RDONLY)  # Python tries it again after EINTR, as stat does not
        except PermissionError:
            answers += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert answers == 3000
    print(f"{len(signals)} signals, {answers} answers")
