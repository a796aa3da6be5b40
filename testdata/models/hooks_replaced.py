# verdict: exception
# source: model
# exit: 1
import sys


class Left:
    def __del__(self):
        raise ValueError("nobody sees it")


def model():
    sys.excepthook = sys.unraisablehook = lambda *what: sys.exit(0)
    Left()
    raise ValueError("own")  ### "^ValueError: own$"
