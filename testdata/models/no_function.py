# verdict: setup-error
# source: supervisor
# exit: 2
# reason: defines no function model
def modell():
    return 1
