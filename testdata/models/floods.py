# run: --max-log 10K
# verdict: output-limit
# source: supervisor
# exit: 4
# reason: more than 10240 bytes
def model():
    while True:
        print("x" * 1000)
