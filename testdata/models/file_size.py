# run: --scratch 64M --max-file 4M
# verdict: exception
# source: model
# exit: 1
# stdout: ^at 4194304\n$
def model():
    with open("/tmp/flood", "wb", buffering=0) as f:
        while f.write(bytes(1 << 20)):  ### "^OSError: \\[Errno 27\\] File too large"
            if f.tell() == 4 << 20:
                print("at", f.tell())
