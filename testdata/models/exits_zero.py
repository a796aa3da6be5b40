# verdict: exception
# source: model
# exit: 1
# reason: ^SystemExit: 0$
import sys


def model():
    sys.exit(0)
