# verdict: invalid-result
# source: model
# exit: 1
# reason: result is a builtins.generator: return arrays
def model():
    yield 1
