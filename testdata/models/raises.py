# verdict: exception
# source: model
# exit: 1
# reason: ^ValueError: window of 0$


def model():
    return inner(0)


def inner(window):
    if window < 1:
        raise ValueError(f"window of {window}")  ### "^ValueError: window of 0$"
