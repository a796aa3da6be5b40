# exit: 0
# usage: operations 0
# value: result "went on"
class Noisy:
    def __del__(self):
        raise ValueError("from __del__")


def model():
    Noisy()
    return "went on"
