"""Times calls that the filter allows, from a loop in C."""

import json

import syscallloop


def model(count):
    print(json.dumps({name: syscallloop.blocks(name, count) for name in syscallloop.ALLOWED}))
