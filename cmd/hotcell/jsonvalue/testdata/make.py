#!/usr/bin/python3
"""Make golden.json beside this script with numpy.

Run it as /usr/bin/python3 make.py in this folder. For arrays of many dtypes,
shapes and orders it holds their bytes, the name that numpy gives to the dtype
and the JSON value of a report, made in Python; and checksums over the texts
of all float16, of many other floats, and of times of every unit.
"""

import base64
import hashlib
import json

import numpy as np
from numpy.lib.format import dtype_to_descr

GOLDEN = 0x9E3779B97F4A7C15
UNITS = "Y M W D h m s ms us ns ps fs as".split()


def text(value):
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def integer(v):
    v = int(v)
    return v if -(2**53) <= v <= 2**53 else str(v)


def real(v):
    """The float64 whose shortest text is the shortest of a narrower float."""
    f = float(str(v))
    if f != f:
        return "NaN"
    return f if abs(f) != float("inf") else "Infinity" if f > 0 else "-Infinity"


def time(v):
    if np.isnat(v) or np.datetime_data(v.dtype)[0] != "generic":
        return str(np.datetime_as_string(v))
    return integer(v.view("i8"))


def leaf(v):
    kind = v.dtype.kind
    if v.dtype.names:
        return {n: nested(v[n]) for n in v.dtype.names}
    if kind == "b":
        return bool(v)
    if kind in "iu":
        return integer(v)
    if kind == "f":
        return real(v)
    if kind == "c":
        return [real(v.real), real(v.imag)]
    if kind == "M":
        return time(v)
    if kind == "m":
        return "NaT" if np.isnat(v) else integer(v.view("i8"))
    if kind == "S":
        return base64.b64encode(bytes(v)).decode()
    return str(v)


def nested(a):
    if np.ndim(a) == 0:
        return leaf(np.asarray(a)[()])
    return [nested(x) for x in a]


def described(dtype):
    descr = dtype_to_descr(dtype)
    return descr if isinstance(descr, str) else repr(descr)


def case(a):
    fortran = a.ndim > 1 and a.flags.f_contiguous and not a.flags.c_contiguous
    return {
        "descr": described(a.dtype),
        "shape": list(a.shape),
        "fortran": fortran,
        "data": base64.b64encode(a.tobytes("F" if fortran else "C")).decode(),
        "dtype": described(a.dtype) if a.dtype.names else str(a.dtype),
        "value": text(nested(a)) if a.size <= 16 else None,
    }


def arrays():
    yield np.array([True, False])
    yield np.array([0, 2, 255], "u1").view("?")
    for code in "i1 i2 i4 i8 u1 u2 u4 u8".split():
        info = np.iinfo(code)
        for order in "<>":
            yield np.array([0, 1, info.max, info.min, info.max - 1], order + code)
    yield np.array([2**53, 2**53 + 1, -(2**53), -(2**53) - 1], "<i8")
    yield np.array([2**53, 2**53 + 1], ">u8")
    for code in "f2 f4 f8".split():
        info = np.finfo(code)
        floats = [0, -0.0, 1, 0.1, 1 / 3, 1e4, 12345.678, -2.5, np.nan, np.inf, -np.inf, info.max, info.tiny, info.smallest_subnormal]
        for order in "<>":
            yield np.array(floats, order + code)
    for code in "c8 c16".split():
        for order in "<>":
            yield np.array([1 + 2j, complex(0.1, -0.0), complex(np.nan, -np.inf)], order + code)
    for unit in UNITS:
        for order in "<>":
            yield np.array([0, -1, 1, 123456789, -987654321, -(2**63)], "i8").view("M8[" + unit + "]").astype(order + "M8[" + unit + "]")
    for unit in "25s 3W 10Y 7M 12h 100ns 2147483647as".split():
        yield np.array([0, -1, 1, 123456, -98765], "i8").view("M8[" + unit + "]")
    # Around year 0, beyond 9999, and leap days.
    yield np.array([-1969, -1970, -1971, -2970, -11970, 8029, 8030, 100000], "i8").view("M8[Y]")
    yield np.array(["0000-02-29", "-0001-01-01", "0000-12-31", "-0400-03-01", "9999-12-31", "10000-01-01", "1900-02-28", "2000-02-29"], "M8[D]")
    yield np.array(["2020-02-29T23:59:59.999", "-0005-06-07T08:09:10.011"], "M8[ms]")
    yield np.array([5, -(2**63), 2**60], "i8").view("M8")
    yield np.array([5, -(2**63), 2**60, -7], "i8").view("m8[ns]")
    yield np.array([5, 7], ">m8[25us]")
    yield np.array([1, -(2**63)], "i8").view("m8")
    yield np.array([b"", b"a", b"a\0b", b"\xff\0\0", b"abcde"])
    yield np.array(b"x", "S3")
    yield np.array(["", "a", "a\0b", "\u00e9\u20ac\U0001f600", '<"&\\/>', "tab\there\n"])
    yield np.array(["\u00e9b"], ">U3")
    grid = np.arange(12, dtype="<i2").reshape(2, 3, 2)
    yield grid
    yield np.asfortranarray(grid)
    yield np.asfortranarray(grid.astype(">f4"))
    yield np.array(2.5)
    yield np.array("2020-01-02", "M8[D]")
    yield np.arange(16.0)
    yield np.arange(17.0)
    yield np.arange(16.0).reshape(4, 4)
    yield np.zeros((1,) * 32, "i1")
    for shape in ((0,), (3, 0, 2), (0, 3), (2, 0), (0, 10**6)):
        yield np.zeros(shape)
    yield np.array([(1, [2, 0.1]), (3, [4, np.nan])], [("a", "<i4"), ("b", "<f8", (2,))])
    yield np.array([(1, 2)], np.dtype([("a", "i1"), ("b", ">i4")], align=True))
    inner = [("x", "<f4"), ("name", "<U2")]
    yield np.array([(1, (0.1, "ab")), (2, (-np.inf, "\u00e9"))], [("id", "<u8"), ("at", inner)])
    yield np.array([([[(1, "a")], [(2, "b")]], b"x")], [("z", inner, (2, 1)), ("a", "S4")])
    yield np.array((True, 1 + 2j), [("it's \"\u20ac\"", "?"), ("\n", ">c8")])


def checksum(texts):
    return hashlib.sha256("".join(t + "\n" for t in texts).encode()).hexdigest()


def mixed(n):
    """n numbers of 64 bits, all over."""
    return (np.arange(n, dtype="u8") * np.uint64(GOLDEN)).astype("<u8")


def checksums():
    yield "float16", checksum(text(real(v)) for v in np.arange(1 << 16, dtype="u2").view("f2"))
    yield "float32", checksum(text(real(v)) for v in (mixed(20000) >> np.uint64(32)).astype("u4").view("f4"))
    yield "float64", checksum(text(real(v)) for v in mixed(20000).view("f8"))
    for unit in UNITS:
        # Shifted so that numpy's own arithmetic does not overflow.
        for shift in (8, 20, 40):
            counts = mixed(1000).view("i8") >> shift
            yield f"M8[{unit}]>>{shift}", checksum(text(time(v)) for v in counts.view(f"M8[{unit}]"))


def main():
    with open("golden.json", "w") as f:
        json.dump({"arrays": [case(a) for a in arrays()], "checksums": dict(checksums())}, f, indent=0, separators=(",", ":"))
        f.write("\n")


main()
