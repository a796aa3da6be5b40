# run: --cpus 1.5
# exit: 0
# value: result 2
import os


def model():
    return os.cpu_count()
