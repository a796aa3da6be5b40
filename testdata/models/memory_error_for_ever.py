# run: --timeout 400ms
# verdict: wall-time-limit
# source: supervisor
# exit: 124
# reason: longer than 400ms
# usage: wall 400ms
def model():
    while True:
        try:
            bytearray(1 << 40)
        except MemoryError:
            pass
