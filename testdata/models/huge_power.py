# run: --timeout 400ms
# verdict: wall-time-limit
# source: supervisor
# exit: 124
# reason: longer than 400ms
# usage: wall 400ms
def model():
    return pow(3, 10**8) % 10
