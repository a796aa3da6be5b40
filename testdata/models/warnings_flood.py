# run: --max-log 10K
# verdict: output-limit
# source: supervisor
# exit: 4
# reason: more than 10240 bytes
import warnings


def model():
    warnings.simplefilter("always")
    while True:
        warnings.warn("x" * 100)
