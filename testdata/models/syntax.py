# verdict: setup-error
# exit: 2
# reason: ^syntax.py, line 7: SyntaxError


def model():
    return 1 +* 2
