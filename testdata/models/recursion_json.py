# verdict: recursion-limit
# source: model
# exit: 4
import json


def model():
    return json.loads("[" * 100_000)  ### "^RecursionError: "
