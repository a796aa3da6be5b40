# run: --module ctypes prices=@$DATA/eu-stock-indices.csv:DAX[100:200]
# verdict: crash
# source: kernel
# exit: 139
# reason: signal 11
# stdout: (?m)^writing at 0x[0-9a-f]{10,}$
"""A write to an input by its address: the page is read-only, and not only to Python."""

import ctypes


def model(prices):
    address = prices.ctypes.data
    print(f"writing at {address:#x}", flush=True)
    ctypes.memset(address, 0, 1)
    print("still there")
