# run: --max-operations 100
# verdict: operation-limit
# source: supervisor
# exit: 4
# reason: more than 100 operations
def model():
    while True:
        try:
            import socket
        except ImportError:
            pass
