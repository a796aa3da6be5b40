# run: --timeout 400ms
# verdict: wall-time-limit
# source: supervisor
# exit: 124
# reason: longer than 400ms
import sys


class Evil:
    def flush(self):
        while True:
            pass


def model():
    sys.stdout = Evil()
    return 1
