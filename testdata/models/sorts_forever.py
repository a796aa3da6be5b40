# run: --timeout 400ms
# verdict: wall-time-limit
# source: supervisor
# exit: 124
# reason: longer than 400ms
class Evil:
    def __lt__(self, other):
        while True:
            pass


def model():
    sorted([Evil(), Evil()])
