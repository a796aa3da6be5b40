# verdict: exception
# source: model
# exit: 1
# reason: ^Evil: its description raised MemoryError
class Evil(Exception):
    def __str__(self):
        return "x" * (1 << 30)


def model():
    raise Evil
