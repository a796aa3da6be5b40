# run: --cpu-time 500ms --timeout 10s
# verdict: cpu-time-limit
# source: kernel
# exit: 124
# reason: used its CPU time of 500ms
# usage: cpu 500ms
def model():
    while True:
        pass
