# verdict: invalid-result
# source: model
# exit: 1
# reason: result is a builtins.set: return arrays
def model():
    return {1, 2}
