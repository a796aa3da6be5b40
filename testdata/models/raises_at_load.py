# verdict: exception
# source: model
# exit: 1
raise ValueError("before anything was defined")  ### "^ValueError: before"
