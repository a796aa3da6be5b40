# run: --module ctypes prices=@$DATA/eu-stock-indices.csv:DAX[100:200]
# verdict: crash
# source: kernel
# exit: 139
# stdout: (?m)^around the slice: \d+ bytes, all zero$
# stdout: (?m)^reading the page before$
"""What lies before and behind a slice in its page is nothing; the pages around are not there."""

import ctypes


def model(prices):
    start, end = prices.ctypes.data, prices.ctypes.data + prices.nbytes
    first, last = start & ~4095, (end + 4095) & ~4095
    around = ctypes.string_at(first, start - first) + ctypes.string_at(end, last - end)
    assert not any(around), around[:200]
    print(f"around the slice: {len(around)} bytes, all zero")
    print("reading the page before", flush=True)
    ctypes.string_at(first - 1, 1)
    print("still there")
