"""A resident model: what a call of it does is chosen by what it is given."""

import numpy as np



def model(x=None, y=None, out=None, n=0):
    if out is not None:
        out[:] = x
        return None
    if n:
        return float(x[n % len(x)])
    return 1.0
