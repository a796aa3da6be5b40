# run: --timeout 120s --cpu-time 120s
# verdict: exception
# source: model
# exit: 1
# reason: ^KeyError: x{900}
class Evil:
    def __repr__(self):
        return "x" * (64 << 20)


def model():
    raise KeyError(Evil())  ### "^KeyError: x{900,}x{900,}\\n.[.]{3}.\\nx{900,}x{900,}$"
