# run: --module pickle
# verdict: recursion-limit
# source: model
# exit: 4
import pickle


def model():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    return len(pickle.dumps(deep))  ### "^RecursionError: "
