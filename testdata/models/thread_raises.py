# exit: 0
# usage: operations 0
# value: result "went on"
import threading


def model():
    t = threading.Thread(target=lambda: 1 / 0)
    t.start()
    t.join()
    return "went on"
