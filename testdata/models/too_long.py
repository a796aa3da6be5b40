# run: --timeout 300ms
# verdict: wall-time-limit
# source: supervisor
# exit: 124
# reason: longer than 300ms
def model():
    try:
        while True:
            try:
                2 ** (10**9)
            except BaseException:
                pass
    finally:
        model()
