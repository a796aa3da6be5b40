# verdict: recursion-limit
# source: model
# exit: 4
import ast


def model():
    return ast.parse("-" * 5_000 + "1")  ### "^RecursionError: "
