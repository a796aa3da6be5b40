"""Many calls of resident models by the Python client, and what is there before and after. Arguments: the hotcell binary, calls."""

import gc
import json
import os
import sys

import hotcell
import numpy as np

MODEL = """
import numpy as np


def model(x, n=0, y=None):
    if y is not None:
        return y + 1
    return np.full(2000, n) if n % 10 == 3 else float(x[0]) + n
"""


def resident(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith("VmRSS"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def main(binary, calls):
    with hotcell.start(binary) as hc:
        bound = {"x": hc.array(np.ones(1))}
        # The second one's calls all go through the supervisor.
        models = [hc.launch(MODEL, inputs=bound), hc.launch(MODEL, inputs=bound, on_operation=lambda operation: "deny")]

        def some(count):
            kept = []
            for i in range(count):
                m = models[i % 8 == 7]
                if i % 100 == 50:
                    kept = [*kept[-20:], m(y=np.ones(1 + i % 3000))]  # staged anew, and the result is kept for a while
                else:
                    m(n=i % 20)

        def state():
            gc.collect()
            for m in models * 3:
                m(y=np.ones(1))  # tells the supervisor what is gone
            usage = [m.report.usage for m in models]
            return {
                "client_bytes": resident("self"), "client_descriptors": descriptors("self"), "client_blocks": sys.getallocatedblocks(),
                "supervisor_bytes": resident(hc._process.pid), "supervisor_descriptors": descriptors(hc._process.pid),
                "model_bytes": sum(u.memory_current_bytes for u in usage),
            }

        some(20_000)
        before = state()
        some(calls)
        print(json.dumps({"before": before, "after": state()}))


main(sys.argv[1], int(sys.argv[2]))
