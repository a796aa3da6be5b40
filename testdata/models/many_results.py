# verdict: invalid-result
# source: model
# exit: 1
# reason: 100000 results, at most 1024
def model():
    return list(range(100_000))
