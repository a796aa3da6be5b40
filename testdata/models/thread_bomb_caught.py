# run: --threads 4
# exit: 0
# value: result 3
import threading
import time


def model():
    started = 0
    for _ in range(50):
        try:
            threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
            started += 1
        except RuntimeError:
            pass
    return started
