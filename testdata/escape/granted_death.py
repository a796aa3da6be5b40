# run: --module ctypes --write $WORK/write --read $WORK/read --env WORK=$WORK --max-operations 1000000 --threads 12 --timeout 10s
# verdict: crash
# source: kernel
# exit: 139
# stdout: (?m)^eleven threads work$
"""The process dies while its threads open, make, sync, move and remove files of the host."""

import ctypes
import os
import threading
import time

ROOT = os.environ["WORK"] + "/write"
READ = os.environ["WORK"] + "/read"


def work(n):
    a, b = f"{ROOT}/{n}", f"{ROOT}/{n}.moved"
    while True:
        fd = os.open(a, os.O_CREAT | os.O_RDWR, 0o600)
        os.write(fd, b"x" * 5000)
        os.fsync(fd)
        os.ftruncate(fd, 100)
        os.rename(a, b)
        os.listdir(READ)
        os.unlink(b)
        os.close(fd)


def model():
    for n in range(11):
        threading.Thread(target=work, args=(n,)).start()
    time.sleep(0.3)
    print("eleven threads work", flush=True)
    ctypes.string_at(0)
