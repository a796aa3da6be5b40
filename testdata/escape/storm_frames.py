# run: --timeout 5s --threads 8
# verdict: invalid-result
# source: supervisor
# exit: 1
# stdout: (?m)^storm$
"""Junk from many threads at once."""

import os
import threading


def junk():
    while True:
        os.write(3, os.urandom(2000))


def model():
    print("storm", flush=True)
    for _ in range(6):
        threading.Thread(target=junk).start()
    junk()
