#!/usr/bin/python3
"""Make headers.json beside this script with numpy.

Run it as /usr/bin/python3 make.py in this folder. For each array it holds
what numpy says of it and the header that numpy.save writes, in base64.
"""

import base64
import io
import json
import warnings

import numpy as np
from numpy.lib.format import dtype_to_descr


def arrays():
    for code in "|b1 |i1 <u2 >i4 <f8 >c16 <M8[ns] >m8[25s] |S3 <U2".split():
        yield np.zeros(3, code)
    yield np.zeros(())
    yield np.zeros(0)
    yield np.zeros((3, 0, 2), "<i2")
    yield np.zeros((3, 4))
    yield np.zeros((3, 400), order="F")
    yield np.zeros((1, 5), order="F")
    yield np.zeros((1,) * 32, "|i1")
    yield np.broadcast_to(np.int8(0), (2**40, 3))
    yield np.zeros(2, [("a", "<i4"), ("b", "<f8", (2,)), ("c", [("x", ">u2"), ("y", "|S1")])])
    yield np.zeros(2, np.dtype([("a", "i1"), ("b", "<i4"), ("c", "i1")], align=True))
    yield np.zeros(1, [("it's", "<i4"), ("\u00e9\n", "<i4")])
    yield np.zeros(1, [("\u20ac", "<i4"), ("\U0001f600", "<i4")])
    # Names of every length, so that every amount of blanks occurs.
    for n in range(1, 66):
        yield np.zeros(1, [("n" * n, "|i1")])
    yield np.zeros(1, [("column%03d" % i, "<f8") for i in range(350)])


def header(a):
    if a.nbytes < 1 << 20:
        f = io.BytesIO()
        np.save(f, a)
        return f.getvalue()[: len(f.getvalue()) - a.nbytes]
    f = io.BytesIO()
    np.lib.format.write_array_header_1_0(f, np.lib.format.header_data_from_array_1_0(a))
    return f.getvalue()


def case(a):
    descr = dtype_to_descr(a.dtype)
    return {
        "descr": descr if isinstance(descr, str) else repr(descr),
        "shape": list(a.shape),
        "fortran": a.flags.f_contiguous and not a.flags.c_contiguous,
        "header": base64.b64encode(header(a)).decode(),
    }


def main():
    warnings.simplefilter("ignore")  # that the header is of version 3.0
    with open("headers.json", "w") as f:
        json.dump([case(a) for a in arrays()], f, indent=0, separators=(",", ":"))
        f.write("\n")


main()
