# run: --cpus 2
# exit: 0
# source: supervisor
# reason: the model returned
# usage: cpu measured
import threading
import time
import zlib

began = time.process_time()


def burn():
    data = bytes(1 << 20)
    while time.thread_time() < 0.6:
        zlib.crc32(data)


def model():
    threads = [threading.Thread(target=burn) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print("measured cpu", time.process_time() - began)
