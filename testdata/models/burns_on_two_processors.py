# run: --cpu-time 800ms --cpus 2
# verdict: cpu-time-limit
# source: kernel
# exit: 124
# reason: CPU time of 800ms
# usage: cpu 800ms
import threading
import zlib


def burn():
    data = bytes(1 << 20)
    while True:
        zlib.crc32(data)  # gives the interpreter's lock up


def model():
    threading.Thread(target=burn).start()
    burn()
