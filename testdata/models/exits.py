# verdict: exception
# source: model
# exit: 1
# reason: ^SystemExit: 3
import sys


def model():
    sys.exit(3)  ### "^SystemExit: 3$"
