# run: --timeout 400ms
# verdict: wall-time-limit
# source: supervisor
# exit: 124
# reason: longer than 400ms
class Evil(Exception):
    def __str__(self):
        while True:
            pass


def model():
    raise Evil
