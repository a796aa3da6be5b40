#!/usr/bin/python3
"""Make dtypes.json beside this script with numpy.

Run it as /usr/bin/python3 make.py in this folder. For each description it
holds what numpy makes of it: its own description of the same dtype, the
element's size, kind, unit and fields.
"""

import json

import numpy as np
from numpy.lib.format import descr_to_dtype, dtype_to_descr

SIMPLE = """
|b1 <b1 |i1 >i1 |u1 <u1 <i2 >i2 <i4 >i4 <i8 >i8 <u2 >u2 <u4 >u4 <u8 >u8 <f2 >f2 <f4 >f4 <f8 >f8
<c8 >c8 <c16 >c16 |S1 |S5 <S5 >S300 <U1 <U7 >U7
<M8 >m8 <M8[Y] <M8[M] <M8[W] <M8[D] <M8[h] <M8[m] <M8[s] <M8[ms] <m8[us] <m8[ns] <m8[ps] <m8[fs] >m8[as]
<M8[25s] <M8[1D] <m8[10ms] <m8[2147483647ns]
""".split()

STRUCTURES = [
    [("a", "<i4"), ("b", "<f8", (2,))],
    [("a", "<u1"), ("b", "<S3")],
    [("a", "|i1"), ("", "|V3"), ("b", "<i4")],
    [("a", "<i4"), ("", "|V1"), ("", "|V3")],
    [("", "|V4"), ("a", "<M8[1D]")],
    [("id", "<u2"), ("at", [("x", ">f4"), ("y", "<f4")])],
    [("grid", [("a", "|b1"), ("", "|V7"), ("b", "<c8")], (2, 3, 1)), ("t", "<U2", (4,))],
    [("it's", "<i4"), ('"', "<i4"), ("'\"", "<i4"), ("a b", "<i4"), ("\u00e9\u20ac", "<i4"), ("\n\\\x00\x85\u202e", "<i4")],
    [("n", [("n", [("n", [("n", [("n", [("n", [("n", [("n", "<i2")])])])])])])])],
]


def described(dtype):
    text = dtype_to_descr(dtype)
    return text if isinstance(text, str) else repr(text)


def fields(dtype):
    for name in dtype.names or ():
        inner, offset = dtype.fields[name][:2]
        yield {"name": name, "descr": described(inner.base), "shape": list(inner.shape), "offset": offset}


def case(given):
    dtype = descr_to_dtype(given)
    unit, multiple = np.datetime_data(dtype) if dtype.kind in "mM" else ("", 1)
    return {
        "given": given if isinstance(given, str) else repr(given),
        "descr": described(dtype),
        "itemsize": dtype.itemsize,
        "kind": dtype.kind,
        "multiple": multiple,
        "unit": "" if unit == "generic" else unit,
        "fields": list(fields(dtype)),
    }


def main():
    with open("dtypes.json", "w") as f:
        json.dump([case(given) for given in SIMPLE + STRUCTURES], f, indent=0, separators=(",", ":"))
        f.write("\n")


main()
