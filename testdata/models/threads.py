# run: --threads 4
# verdict: thread-limit
# source: kernel
# exit: 4
# reason: beyond the limit of 4
import threading
import time


def model():
    for _ in range(10):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
