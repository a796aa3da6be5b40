# exit: 0
# value: result 1
class Last:
    def __del__(self):
        while True:
            pass


kept = Last()


def model():
    return 1
