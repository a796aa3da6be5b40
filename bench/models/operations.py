"""Times routed calls from a loop in C, in blocks of 100 as the floor does."""

import json

import syscallloop


def model(count):
    times = {name: syscallloop.blocks(name, count) for name in syscallloop.ROUTED}
    assert min(times["opened"]) > 0, "the file was not opened"
    print(json.dumps(times))
