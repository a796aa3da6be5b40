# run: --threads 6 --timeout 5s
# verdict: thread-limit
# source: kernel
# exit: 4
# reason: beyond the limit of 6
import threading


def bomb():
    while True:
        threading.Thread(target=bomb).start()  ### "^RuntimeError: can't start new thread"


def model():
    threading.excepthook = lambda args: None
    bomb()
