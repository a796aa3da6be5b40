# verdict: exception
# source: model
# exit: 1
# reason: its description raised


class Evil(Exception):
    def __str__(self):
        raise KeyboardInterrupt

    __repr__ = __str__


def model():
    raise Evil
