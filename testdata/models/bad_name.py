# verdict: invalid-result
# source: model
# exit: 1
# reason: '../../x' is no name for a result
import numpy as np


def model():
    return {"../../x": np.zeros(3)}
