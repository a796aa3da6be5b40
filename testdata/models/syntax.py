# verdict: setup-error
# source: model
# exit: 2
# usage: operations 0
# reason: ^syntax.py, line 9: SyntaxError


def model():
    return 1 +* 2
