# run: --recursion 200
# verdict: recursion-limit
# source: model
# exit: 4


def model(n=0):
    return model(n + 1)  ### "^RecursionError: maximum recursion depth exceeded"
