# verdict: exception
# source: model
# exit: 1
# refused: fork (clone|fork)
import os


def model():
    while True:
        os.fork()  ### "^PermissionError: "
