# run: --timeout 120s --cpu-time 120s
# python: 3.11
# verdict: exception
# source: model
# exit: 1
# reason: ^ValueError: 
def model():
    e = ValueError("x")
    for _ in range(10_000):
        e.add_note("y" * 10_000)
    raise e
