# run: --module _thread --threads 8 --timeout 5s
# exit: 0
# stdout: (?m)^at most 7 threads more, 2000 times refused$
"""Threads by the raw call, each to wait for ever, and again and again: no more than the limit."""

import _thread
import time


def model():
    started, refused = 0, 0
    gate = _thread.allocate_lock()
    gate.acquire()
    while refused < 2000:
        try:
            _thread.start_new_thread(gate.acquire, ())
            started += 1
        except RuntimeError:
            refused += 1
    assert started <= 7, started
    print(f"at most 7 threads more, {refused} times refused")
    gate.release()
    time.sleep(0.01)
