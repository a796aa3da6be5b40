# run: --timeout 10s
# verdict: invalid-result
# source: supervisor
# exit: 1
# reason: closed its control socket
# stdout: (?m)^closed$
"""Without its socket a model has no way to end but to be ended."""

import os


def model():
    print("closed", flush=True)
    os.close(3)
    while True:
        pass
