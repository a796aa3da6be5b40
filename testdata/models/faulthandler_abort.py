# verdict: crash
# exit: 134
import faulthandler
import os


def model():
    faulthandler.enable()
    os.abort()
