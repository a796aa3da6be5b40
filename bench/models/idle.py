"""Is open and does nothing."""

import time


def model():
    print("ready")
    while True:
        time.sleep(3600)
