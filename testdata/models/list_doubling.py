# run: --memory 100M
# verdict: memory-limit
# source: model
# exit: 137
def model():
    bomb = [0]
    while True:
        bomb += bomb  ### "MemoryError"
