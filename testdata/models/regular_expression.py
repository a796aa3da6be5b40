# run: --cpu-time 400ms
# verdict: cpu-time-limit
# source: kernel
# exit: 124
# reason: CPU time of 400ms
# usage: cpu 400ms
import re


def model():
    return re.match(r"(a+)+$", "a" * 64 + "b")
