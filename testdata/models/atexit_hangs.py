# exit: 0
# value: result 1
import atexit


@atexit.register
def never():
    while True:
        pass


def model():
    return 1
