# run: --max-log 10K
# verdict: output-limit
# source: supervisor
# exit: 4
# reason: more than 10240 bytes
import sys


def model():
    sys.stdout.reconfigure(line_buffering=False)
    sys.stdout.write("x" * 12_000)
