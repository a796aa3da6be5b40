# run: --max-output 1M
# verdict: invalid-result
# source: supervisor
# exit: 1
# reason: object arrays are refused
# stdout: (?m)^patched$
"""An array of Python objects, past the shim's check."""

import sys

import numpy as np


def model():
    arrays = sys.modules["_hotcell.arrays"]
    arrays.Output.write_numpy = lambda self, name, value: sys.modules["_hotcell.wire"].Ref("|O", (1,), 0)
    print("patched")
    return np.array([object()])
