# verdict: exception
# source: model
# exit: 1
import os


def model():
    while True:
        os.dup(1)  ### "^OSError: \\[Errno 24\\] Too many open files"
