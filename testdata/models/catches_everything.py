# run: --timeout 400ms
# verdict: wall-time-limit
# source: supervisor
# exit: 124
# reason: longer than 400ms
# usage: wall 400ms
import signal


def model():
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, lambda n, frame: None)
    while True:
        try:
            while True:
                try:
                    raise KeyboardInterrupt
                finally:
                    continue
        except BaseException:
            pass
