#!/usr/bin/python3
"""Make the golden files beside this script with numpy.

Run it as /usr/bin/python3 make.py in this folder. It writes

  dtypes.npz            one member per dtype and layout, stored
  dtypes-deflated.npz   the same, deflated
  golden.json           what numpy says: dtype, shape, order and bytes of every
                        member and of slices of some, all slices of a short
                        axis, and checksums of columns of a real CSV file
"""

import base64
import csv
import hashlib
import itertools
import json

import numpy as np

STOCKS = "../../../../testdata/data/eu-stock-indices.csv"


def numbers(dtype, n=7):
    return (np.arange(n) * 3 - 5).astype(dtype)


def arrays():
    for code in "i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16".split():
        for order in "<>" if code not in ("i1", "u1") else "|":
            name = code + ("be" if order == ">" else "")
            yield name, numbers(order + code)
    yield "b1", np.array([True, False, True])
    yield "time", np.array(["2020-01-01", "NaT", "1969-12-31T23:59"], "<M8[ns]")
    yield "timebe", np.array(["2020-01-01"], ">M8[D]")
    yield "span", np.array([1, -2, 3], "<m8[us]")
    yield "bytes", np.array([b"a", b"bcd", b""], "|S3")
    yield "text", np.array(["a", "\u00e9\u20ac", "\U0001f600"], "<U2")
    yield "textbe", np.array(["ab"], ">U2")
    inner = [("x", "<f4"), ("y", "<f4")]
    yield "struct", np.array([(1, (2, 3)), (4, (5, 6))], [("a", "<i4"), ("b", "<f8", (2,))])
    yield "nested", np.array([(1, (2, 3))], [("id", "<u2"), ("at", inner)])
    yield "padded", np.array([(1, 2), (3, 4)], np.dtype([("a", "i1"), ("b", "<i4")], align=True))
    yield "scalar", np.array(2.5)
    yield "empty", np.zeros(0)
    yield "hollow", np.zeros((3, 0, 2), "<i2")
    yield "line", np.arange(50) / 8
    grid = np.arange(120, dtype="<i2").reshape(6, 5, 4)
    yield "grid", grid
    yield "gridf", np.asfortranarray(grid)
    yield "rowf", np.asfortranarray(grid[:1, :, 0])


SLICES = {
    "line": ["[:]", "[10:20]", "[-5:]", "[::-1]", "[40:3:-7]", "[20:10]", "[50:]", "[:-50]", "[::49]", "[50::-50]"],
    "grid": [
        "[2:4]", "[::2]", "[:, 1:3]", "[:, :, ::-1]", "[1:2, 2:4]", "[3:4, 2:3, 1:3]", "[::-1, ::-2, ::-3]",
        "[1:5:3, :, 2:3]", "[0:0]", "[:, 2:2]", "[:,:,1:2]", "[5:, 4:, 3:]", "[::5, ::4, ::3]",
    ],
    "struct": ["[1:]", "[::-1]"],
    "text": ["[::2]"],
    "hollow": ["[1:2]", "[:, :, ::-1]"],
}
SLICES["gridf"] = SLICES["grid"]


def described(a, fortran):
    return {
        "descr": repr(np.lib.format.dtype_to_descr(a.dtype)) if a.dtype.fields else np.lib.format.dtype_to_descr(a.dtype),
        "shape": list(a.shape),
        "fortran": fortran,
        "data": base64.b64encode(a.tobytes("F" if fortran else "C")).decode(),
    }


def select(a, text):
    return eval("a" + text, {"a": a})


def short_axis(n=4):
    """Every slice of n elements whose ends do not lie beyond them."""
    ends = [None, *range(-n, n + 1)]
    a = np.arange(n)
    for start, stop, step in itertools.product(ends, ends, [None, -5, -3, -2, -1, 1, 2, 3, 5]):
        text = ":".join("" if v is None else str(v) for v in (start, stop, step))
        yield text, "".join(map(str, a[start:stop:step]))


def columns():
    with open(STOCKS, newline="") as f:
        header, *rows = csv.reader(f)
    for names, text in [("DAX", ""), ("time,FTSE", ""), ("CAC,DAX,SMI", "[100:200:3, ::-1]"), ("SMI", "[-10:]")]:
        picked = [[float(row[header.index(n)]) for n in names.split(",")] for row in rows]
        a = np.array(picked, "<f8")
        a = a if "," in names else a[:, 0]
        if text:
            a = select(a, text)
        yield {"spec": names + text, "shape": list(a.shape), "sha256": hashlib.sha256(a.tobytes("C")).hexdigest()}


def main():
    members = dict(arrays())
    np.savez("dtypes.npz", **members)
    np.savez_compressed("dtypes-deflated.npz", **members)
    cases = []
    for name, a in members.items():
        fortran = a.ndim > 1 and a.flags.f_contiguous and not a.flags.c_contiguous
        cases.append({"member": name, "slice": "", **described(a, fortran)})
        for text in SLICES.get(name, []):
            cases.append({"member": name, "slice": text, **described(select(a, text), fortran)})
    golden = {"arrays": cases, "slices": dict(short_axis()), "columns": list(columns())}
    with open("golden.json", "w") as f:
        json.dump(golden, f, indent=0, separators=(",", ":"))
        f.write("\n")


main()
