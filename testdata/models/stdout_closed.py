# exit: 0
# value: result 1
import os
import sys


def model():
    sys.stdout.close()
    sys.stderr.close()
    for fd in (1, 2):
        try:
            os.close(fd)
        except OSError:
            pass
    return 1
