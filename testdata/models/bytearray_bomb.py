# run: --memory 100M
# verdict: memory-limit
# source: model
# exit: 137
def model():
    bomb = bytearray()
    while True:
        bomb.extend(bytes(1 << 20))  ### "^MemoryError"
