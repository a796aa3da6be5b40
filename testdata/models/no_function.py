# verdict: setup-error
# source: model
# exit: 2
# reason: defines no function model
def modell():
    return 1
