# python: 3.11
# verdict: exception
# source: model
# exit: 1
class Notes:
    def __len__(self):
        return -1

    def __iter__(self):
        while True:
            yield "x" * 100_000


def model():
    e = ValueError("x")
    e.__notes__ = Notes()
    raise e  ### "^ValueError: x$"
