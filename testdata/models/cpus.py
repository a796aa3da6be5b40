# run: --cpus 0.5
# exit: 0
# value: result 1
import os


def model():
    return os.cpu_count()
