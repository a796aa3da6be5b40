"""Reads a number of each page of its array."""


def model(x):
    return float(x[::512].sum())
