# verdict: recursion-limit
# source: model
# exit: 4
def model():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    return repr(deep)  ### "^RecursionError: "
