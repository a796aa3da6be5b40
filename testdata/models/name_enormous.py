# run: --timeout 120s --cpu-time 120s
# verdict: exception
# source: model
# exit: 1
# reason: ^E{100,}: x$
def model():
    raise type("E" * 10_000_000, (Exception,), {})("x")
