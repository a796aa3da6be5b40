# source: supervisor
# exit: 0
import numpy as np


class Evil(np.ndarray):
    @property
    def shape(self):
        return (10**9,)

    @property
    def dtype(self):
        raise SystemExit(5)


def model():
    return np.zeros(3).view(Evil)
