# exit: 0
# source: supervisor
# reason: the model returned
# usage: log 100000
# usage: operations 30
import os
import sys


def model():
    sys.stdout.write("x" * 60_000)
    sys.stderr.write("y" * 40_000)
    for i in range(30):
        try:
            os.stat(f"/{i}")
        except OSError:
            pass
