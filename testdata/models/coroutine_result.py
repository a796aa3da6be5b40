# verdict: invalid-result
# source: model
# exit: 1
# reason: result is a builtins.coroutine: return arrays
async def model():
    return 1
