# run: --timeout 1s
# verdict: wall-time-limit
# source: supervisor
# exit: 124
# stdout: (?m)^deaf$
"""Every signal blocked or ignored, every exception caught: the timeout ends it."""

import signal


def model():
    for number in signal.valid_signals():
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    print("deaf", flush=True)
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue
