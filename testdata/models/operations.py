# run: --max-operations 50
# verdict: operation-limit
# source: supervisor
# exit: 4
# reason: more than 50 operations
import os


def model():
    for i in range(1000):
        try:
            os.stat(f"/x{i}")
        except OSError:
            pass
