# verdict: setup-error
# source: model
# exit: 2
# reason: ^syntax.py, line 8: SyntaxError


def model():
    return 1 +* 2
