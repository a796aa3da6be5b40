# run: --memory 100M
# verdict: memory-limit
# source: model
# exit: 137
def model():
    bomb = "x"
    while True:
        bomb += bomb  ### "MemoryError"
