# run: --scratch 8M
# verdict: exception
# source: model
# exit: 1
def model():
    files = []
    while True:
        files.append(open("/tmp/f", "wb"))  ### "^OSError: \\[Errno 24\\] Too many open files"
