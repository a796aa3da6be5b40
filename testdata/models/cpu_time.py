# run: --cpu-time 200ms --timeout 10s
# verdict: cpu-time-limit
# source: kernel
# exit: 124
def model():
    while True:
        pass
