# run: --timeout 400ms
# verdict: wall-time-limit
# source: supervisor
# exit: 124
# reason: longer than 400ms
def model():
    while True:
        try:
            model()
        except RecursionError:
            pass
