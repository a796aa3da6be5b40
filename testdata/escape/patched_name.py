# run: --max-output 1M
# verdict: invalid-result
# source: supervisor
# exit: 1
# reason: is no name for a result
# stdout: (?m)^patched$
"""The shim's checks are taken out; the supervisor's are elsewhere."""

import sys


def model():
    sys.modules["_hotcell.arrays"].valid_name = lambda name: True
    print("patched")
    return {"../result": 1}
