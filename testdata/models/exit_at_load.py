# verdict: crash
# source: kernel
# exit: 1
# reason: exited with status 3 without a result
import os

os._exit(3)
