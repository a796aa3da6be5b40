# verdict: invalid-result
# source: model
# exit: 1
# reason: a is a builtins.dict: return arrays
def model():
    return {"a": {"b": 1}}
