# verdict: exception
# source: model
# exit: 1
# reason: ^Evil: its description raised TypeError
class Evil(Exception):
    def __str__(self):
        return 7


def model():
    raise Evil
