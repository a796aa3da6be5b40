# run: --max-operations 100
# verdict: operation-limit
# source: supervisor
# exit: 4
# reason: more than 100 operations
# usage: operations 101
import os


def model():
    while True:
        try:
            os.listdir("/")
        except OSError:
            pass
