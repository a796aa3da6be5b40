"""Computes the demo's model outside any sandbox and compares bit for bit.

Usage: python3 check.py DIR, where DIR holds the arrays that hotcell wrote.
"""

import os
import runpy
import sys

import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
table = np.genfromtxt(os.path.join(here, "..", "data", "eu-stock-indices.csv"), delimiter=",", names=True)
model = runpy.run_path(os.path.join(here, "momentum.py"))["model"]
expected = model(np.ascontiguousarray(table["DAX"]), window=60, target=0.10)

arrays = 0
for name, want in expected.items():
    if not isinstance(want, np.ndarray):
        continue
    got = np.load(os.path.join(sys.argv[1], name + ".npy"), allow_pickle=False)
    if got.dtype != want.dtype or got.shape != want.shape or got.tobytes() != want.tobytes():
        sys.exit(f"{name}: differs from numpy's own computation")
    arrays += 1
print(f"{arrays} arrays are bit for bit what numpy computes outside the sandbox")
