# run: --module ctypes
# verdict: crash
# source: kernel
# exit: 159
# reason: signal 31 \(SIGSYS\)
# stdout: (?m)^x32 ptrace$
"""One of the numbers that only x32 has (521 is its ptrace), in a thread: all of the process ends."""

import ctypes
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)


def model():
    print("x32 ptrace", flush=True)
    threading.Thread(target=libc.syscall, args=(ctypes.c_long(0x40000000 | 521), 16, 1, 0, 0)).start()
    time.sleep(5)
    print("still there")
