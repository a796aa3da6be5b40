# run: --module ctypes prices=@$DATA/eu-stock-indices.csv:DAX[100:200] other=@$DATA/eu-stock-indices.csv:CAC
# verdict: crash
# source: kernel
# exit: 139
# stdout: (?m)^reading the page behind$
"""Running over the end of one input does not arrive at the next one."""

import ctypes


def model(prices, other):
    assert other.ctypes.data > prices.ctypes.data
    print("reading the page behind", flush=True)
    ctypes.string_at((prices.ctypes.data + prices.nbytes + 4095) & ~4095, 1)
    print("still there")
