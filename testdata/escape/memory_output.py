# run: --memory 64M --max-output 512M --timeout 5s
# verdict: memory-limit
# source: kernel
# exit: 137
# stdout: (?m)^touching$
"""The output region is the model's memory too once it is written."""

import sys


def model():
    frame = sys._getframe()
    while "output" not in frame.f_locals:
        frame = frame.f_back
    output = frame.f_locals["output"]
    print("touching", flush=True)
    for at in range(0, len(output), 4096):
        output[at] = 1
