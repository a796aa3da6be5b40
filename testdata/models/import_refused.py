# verdict: exception
# source: model
# exit: 1
# refused: import socket


def model():
    import socket  ### "^ImportError: import of socket is not allowed: add it to .modules. allow in the policy, or give --module socket$"
