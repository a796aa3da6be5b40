# run: --memory 100M
# verdict: memory-limit
# source: model
# exit: 137
# reason: ^MemoryError
# usage: memory 95M
"""Where nothing is left, the interpreter may have no room for the line number."""


def model():
    bombs = []
    while True:
        bombs.append(str(len(bombs)))
