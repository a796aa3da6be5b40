"""Calls of a resident model by the Python client, in turn with multiprocessing.Pipe there and back.

Arguments: the hotcell binary, blocks, calls a block.
"""

import json
import multiprocessing
import sys
import time

import hotcell
import numpy as np

NUMBER = "def model(x, n=0):\n    return 1.0\n"
ARRAY = "def model(x, n=0):\n    return x\n"


def echo(pipe):
    while True:
        x = pipe.recv()
        if x is None:
            return
        pipe.send(x)


def main(binary, blocks, block):
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.Process(target=echo, args=(theirs,))
    child.start()
    small = np.zeros(1)
    with hotcell.start(binary) as hc:
        bound = {"x": hc.array(small)}
        number, array, passing = hc.launch(NUMBER, inputs=bound), hc.launch(ARRAY, inputs=bound), hc.launch(ARRAY)

        def pipe():
            ours.send(small)
            ours.recv()

        ways = {"pipe": pipe, "bound": number, "array": array, "passed": lambda: passing(x=small)}
        times = {name: [] for name in ways}
        for turn in range(blocks + 1):
            for name in sorted(ways, reverse=turn % 2 == 1):
                way = ways[name]
                start = time.perf_counter_ns()
                for _ in range(block):
                    way()
                if turn:  # the first is not counted
                    times[name].append((time.perf_counter_ns() - start) / block)
    ours.send(None)
    child.join()
    print(json.dumps(times))


main(sys.argv[1], *map(int, sys.argv[2:]))
