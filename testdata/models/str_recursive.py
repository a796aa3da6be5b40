# verdict: exception
# source: model
# exit: 1
# reason: ^Evil: its description raised RecursionError
class Evil(Exception):
    def __str__(self):
        return str(self)


def model():
    raise Evil
