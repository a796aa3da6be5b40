# run: --timeout 120s --cpu-time 120s
# verdict: exception
# source: model
# exit: 1
# reason: ^Evil: x{900}
class Evil(Exception):
    def __str__(self):
        return "x" * (64 << 20)


def model():
    raise Evil  ### "^Evil: x{900,}x{900,}\\n.[.]{3}.\\nx{900,}x{900,}$"
