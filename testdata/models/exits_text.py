# verdict: exception
# source: model
# exit: 1
# reason: ^SystemExit: all is well$
def model():
    raise SystemExit("all is well")
