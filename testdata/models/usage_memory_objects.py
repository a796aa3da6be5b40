# exit: 0
# source: supervisor
# reason: the model returned
# usage: memory measured
import sys


def model():
    kept = [i + 0.5 for i in range(3_000_000)]
    # The interpreter's own blocks are of 16 bytes.
    each = (sys.getsizeof(0.5) + 15) // 16 * 16
    print("measured memory", each * len(kept) + sys.getsizeof(kept))
