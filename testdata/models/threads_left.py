# exit: 0
# value: result 1
import threading


def spin():
    while True:
        pass


def model():
    for _ in range(3):
        threading.Thread(target=spin).start()
    return 1
