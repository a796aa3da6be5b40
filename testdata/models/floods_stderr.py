# run: --max-log 10K
# verdict: output-limit
# source: supervisor
# exit: 4
# reason: more than 10240 bytes
# usage: log 10K
import sys


def model():
    while True:
        sys.stderr.write("x" * 100_000)
