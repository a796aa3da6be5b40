"""Forbidden operations in a tight loop, each with a target of its own."""

import os


def open_short(i):
    try:
        os.open("/flood/%d" % i, os.O_RDONLY)
    except OSError:
        pass


LONG = "/".join(["x" * 200] * 19)


def open_long(i):
    try:
        os.open("/%s/%d" % (LONG, i), os.O_RDONLY)
    except OSError:
        pass


def import_name(i):
    try:
        exec("import flood%d" % i)
    except ImportError:
        pass


WAYS = {"open": open_short, "open-long": open_long, "import": import_name}


def model(way, count, forever):
    print("begun")
    operation = WAYS[way]
    while True:
        for i in range(count):
            operation(i)
        if not forever:
            return
