# run: --max-operations 2000 --threads 12 --timeout 5s
# verdict: operation-limit
# source: supervisor
# exit: 4
# stdout: (?m)^flood$
# refused: others .*
"""Operations from ten threads, each with a target of its own and 4 KiB long."""

import os
import threading


def flood(name):
    i = 0
    while True:
        try:
            os.open(f"/{name}{i}/{'x' * 4000}", os.O_RDONLY)
        except OSError:
            i += 1


def model():
    print("flood", flush=True)
    for i in range(10):
        threading.Thread(target=flood, args=(i,)).start()
    flood(10)
