# run: --module ctypes
# verdict: crash
# source: kernel
# exit: 159
# reason: signal 31 \(SIGSYS\)
# stdout: (?m)^x32 open$
"""A call by its x32 number would mean another one to a careless filter; it is the end."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def model():
    print("x32 open", flush=True)
    libc.syscall(ctypes.c_long(0x40000000 | 2), b"/etc/passwd", 0, 0)
    print("still there")
