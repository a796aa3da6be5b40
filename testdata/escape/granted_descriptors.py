# run: --read $WORK/read --env WORK=$WORK --max-operations 20000 --timeout 20s
# exit: 0
# stdout: (?m)^10000 opens, each gave its file$
"""Every open gives a descriptor of its own, however busy the machine: never a number that is something else's."""

import os
import threading

PATH = os.environ["WORK"] + "/read/a.txt"
wrong = []


def opener():
    try:
        for _ in range(2500):
            fd = os.open(PATH, os.O_RDONLY)
            text = os.read(fd, 100)
            os.close(fd)
            if fd < 5 or text != b"granted a.txt":
                wrong.append((fd, text))
    except OSError as e:
        wrong.append((fd, e))


def model():
    openers = [threading.Thread(target=opener) for _ in range(4)]
    for thread in openers:
        thread.start()
    for thread in openers:
        thread.join()
    assert not wrong, wrong[:10]
    print("10000 opens, each gave its file")
