# run: --memory 100M
# verdict: memory-limit
# source: model
# exit: 137
# reason: start new thread: its stack does not fit
import threading
import time


def model():
    threading.stack_size(60 << 20)
    for _ in range(3):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
