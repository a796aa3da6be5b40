# exit: 0
# value: a "NaN"
# value: b "-Infinity"
# value: c ["NaN", "Infinity"]
import numpy as np


def model():
    return {"a": float("nan"), "b": -np.inf, "c": complex(np.nan, np.inf)}
