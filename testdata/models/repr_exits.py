# verdict: exception
# source: model
# exit: 1
# reason: ^KeyError: its description raised SystemExit
class Evil:
    def __repr__(self):
        raise SystemExit(0)


def model():
    raise KeyError(Evil())
