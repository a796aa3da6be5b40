# python: 3.11
# verdict: exception
# source: model
# exit: 1
# reason: ^ExceptionGroup: many \(10000 sub-exceptions\)$
def model():
    raise BaseExceptionGroup("many", [ValueError("x" * 1000) for _ in range(10_000)])
