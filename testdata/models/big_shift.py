# run: --memory 100M
# verdict: memory-limit
# source: model
# exit: 137
def model():
    return 1 << 10**12  ### "MemoryError"
