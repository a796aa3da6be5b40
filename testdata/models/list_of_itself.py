# verdict: invalid-result
# source: model
# exit: 1
# reason: result is a builtins.list: return arrays
def model():
    itself = []
    itself.append(itself)
    return itself
