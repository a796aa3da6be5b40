# run: --timeout 300ms
# verdict: wall-time-limit
# source: supervisor
# exit: 124
# reason: longer than 300ms
# usage: wall 300ms
while True:
    pass
