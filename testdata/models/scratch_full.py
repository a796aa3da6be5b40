# run: --scratch 8M
# verdict: exception
# source: model
# exit: 1
def model():
    with open("/tmp/flood", "wb", buffering=0) as f:
        while True:
            f.write(bytes(1 << 20))  ### "^OSError: \\[Errno 28\\] No space left on device"
