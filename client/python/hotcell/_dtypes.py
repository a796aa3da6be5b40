"""Element types of arrays, as .npy headers describe them.

The list of what may cross is the supervisor's (shm): numbers, booleans, times,
text and bytes of fixed width, in both byte orders, and structures of those.
Descriptions come from a sandbox: they are read by a grammar of our own, never
by an evaluator.
"""

from __future__ import annotations

import re
import sys
from typing import Any, NamedTuple, NoReturn, Tuple

from ._codec import MAX_AXES, WireError

MAX_DESCR = 8 << 10  # bytes of a description
MAX_ITEM = 1 << 20  # bytes of one element
MAX_FIELDS = 512
MAX_DEPTH = 8  # structures within each other

_SIMPLE = re.compile(r"([<>|])([biufcmMSU])(0|[1-9][0-9]{0,9})(?:\[(0|[1-9][0-9]{0,9}|)(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?\Z")
_SIZES = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8), "c": (8, 16), "m": (8,), "M": (8,)}

NATIVE = "<" if sys.byteorder == "little" else ">"
_FORMATS = {
    "|b1": "?", "|i1": "b", "|u1": "B",
    "i2": "h", "u2": "H", "i4": "i", "u4": "I", "i8": "q", "u8": "Q", "f4": "f", "f8": "d",
}
# memoryview formats by description, for use without numpy.
FORMATS = {(k if k[0] == "|" else NATIVE + k): v for k, v in _FORMATS.items()}
DESCRS = {v: k for k, v in FORMATS.items()}
DESCRS.update({"l": NATIVE + "i8", "L": NATIVE + "u8", "n": NATIVE + "i8", "N": NATIVE + "u8", "c": "|S1"})


class DType(NamedTuple):
    """An element type: its description, size in bytes, and for a structure its fields.

    fields are (name, type, shape of the field, offset in bytes) in order.
    """

    descr: str
    size: int
    fields: "Tuple[Tuple[str, DType, Tuple[int, ...], int], ...]" = ()


def parse(descr: str) -> DType:
    """Reads a description; WireError for any that is not on the list."""
    if len(descr) > MAX_DESCR:
        raise WireError(f"a dtype described in {len(descr)} characters")
    if not descr.startswith("["):
        return _simple(descr)
    p = _Parser(descr)
    d = p.structure(1)
    if p.at != len(descr):
        p.fail()
    return d


def _simple(descr: str) -> DType:
    m = _SIMPLE.match(descr)
    if not m:
        _refuse(descr)
    order, kind, size, multiple, unit = m.group(1), m.group(2), int(m.group(3)), m.group(4), m.group(5)
    if kind in "SU":
        if size < 1 or size * (4 if kind == "U" else 1) > MAX_ITEM:
            _refuse(descr)
    elif size not in _SIZES[kind]:
        _refuse(descr)
    if unit and (kind not in "mM" or multiple and not 2 <= int(multiple) < 1 << 31):
        _refuse(descr)
    # One form for each: numpy writes | where an order has no meaning.
    if (order == "|") != (kind == "S" or kind in "biu" and size == 1):
        _refuse(descr)
    return DType(descr, size * 4 if kind == "U" else size)


def _refuse(descr: str) -> NoReturn:
    raise WireError(f"dtype {descr[:80]!r} is not supported")


_ESCAPES = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "r": "\r", "t": "\t"}
_DIGITS = {"x": 2, "u": 4, "U": 8}
_LENGTH = re.compile(r"[1-9][0-9]{0,6}")


class _Parser:
    """Reads "[('a', '<i4'), ('', '|V4'), ('b', [...], (2,))]", as the supervisor writes it."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.fields = text, 0, 0

    def fail(self) -> NoReturn:
        raise WireError(f"dtype {self.text[:80]!r} is not supported: character {self.at}")

    def has(self, token: str) -> bool:
        if not self.text.startswith(token, self.at):
            return False
        self.at += len(token)
        return True

    def want(self, token: str) -> None:
        if not self.has(token):
            self.fail()

    def structure(self, depth: int) -> DType:
        if depth > MAX_DEPTH:
            self.fail()
        start, size, names = self.at, 0, set()
        fields = []
        self.want("[")
        while True:
            self.fields += 1
            if self.fields > MAX_FIELDS:
                self.fail()
            self.want("(")
            name = self.string()
            self.want(", ")
            if name == "":
                size += self.padding()
            else:
                dtype = self.structure(depth + 1) if self.text.startswith("[", self.at) else _simple(self.string())
                shape = self.shape() if self.has(", ") else ()
                if name in names:
                    self.fail()
                names.add(name)
                fields.append((name, dtype, shape, size))
                size += self.checked(dtype.size, shape)
            self.want(")")
            if size > MAX_ITEM:
                self.fail()
            if not self.has(", "):
                break
        self.want("]")
        if not fields:
            self.fail()
        return DType(self.text[start : self.at], size, tuple(fields))

    def padding(self) -> int:
        text = self.string()
        number = text[2:]
        if text[:2] != "|V" or not number.isdecimal() or not number.isascii() or number[0] == "0" or len(number) > 7:
            self.fail()
        return int(number)

    def checked(self, size: int, shape: Tuple[int, ...]) -> int:
        for n in shape:
            size *= n
        if size > MAX_ITEM:
            self.fail()
        return size

    def shape(self) -> Tuple[int, ...]:
        self.want("(")
        lengths = [self.length()]
        if not self.has(","):
            self.fail()
        while not self.has(")"):
            if len(lengths) > 1:
                self.want(",")
            self.want(" ")
            lengths.append(self.length())
            if len(lengths) > MAX_AXES:
                self.fail()
        return tuple(lengths)

    def length(self) -> int:
        m = _LENGTH.match(self.text, self.at)
        if not m:
            self.fail()
        self.at = m.end()
        return int(m.group())

    def string(self) -> str:
        quote = self.text[self.at : self.at + 1]
        if quote not in ("'", '"'):
            self.fail()
        self.at += 1
        out: "list[str]" = []
        while True:
            c = self.text[self.at : self.at + 1]
            self.at += 1
            if c == quote:
                return "".join(out)
            if c == "" or c in "\n\r":
                self.fail()
            out.append(self.escape() if c == "\\" else c)

    def escape(self) -> str:
        c = self.text[self.at : self.at + 1]
        self.at += 1
        if c in _ESCAPES:
            return _ESCAPES[c]
        digits = self.text[self.at : self.at + _DIGITS.get(c, 0)]
        if not digits or len(digits) != _DIGITS[c] or not re.fullmatch("[0-9a-f]+", digits):
            self.fail()
        self.at += len(digits)
        n = int(digits, 16)
        if n > 0x10FFFF or 0xD800 <= n < 0xE000:
            self.fail()
        return chr(n)


def of(dtype: Any) -> str:
    """The description of a type as a person writes it: what numpy takes; without numpy "f8", "<f8" or a memoryview format."""
    if has_numpy():
        import numpy

        return describe(numpy.dtype(dtype))
    descr = DESCRS.get(dtype, dtype) if isinstance(dtype, str) else ""
    if descr[:1] not in ("|", "<", ">"):
        descr = next((d for d in ("|" + descr, NATIVE + descr) if d in FORMATS), descr)
    if descr not in FORMATS:
        raise TypeError(f"dtype {dtype!r} needs numpy in this process; without it use one of {' '.join(FORMATS)}")
    return descr


# Descriptions that a sandbox sends repeat, from call to call.
_known: "dict[str, Tuple[Any, int]]" = {}
_MAX_KNOWN = 256


def load(descr: str) -> Tuple[Any, int]:
    """The numpy dtype of a description, and its size in bytes; without numpy a memoryview format, None if it has none."""
    known = _known.get(descr)
    if known is None:
        d = parse(descr)
        known = (_numpy_dtype(d) if has_numpy() else FORMATS.get(descr)), d.size
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        _known[descr] = known
    return known


def _numpy_dtype(d: DType) -> Any:
    import numpy

    if not d.fields:
        return numpy.dtype(d.descr)
    formats = [(_numpy_dtype(t), shape) if shape else _numpy_dtype(t) for _, t, shape, _ in d.fields]
    dtype = numpy.dtype({
        "names": [f[0] for f in d.fields], "formats": formats, "offsets": [f[3] for f in d.fields], "itemsize": d.size,
    })
    if dtype.itemsize != d.size:
        raise WireError(f"dtype {d.descr[:80]!r} is not supported")
    return dtype


def describe(dtype: Any) -> str:
    """The description of a numpy dtype that may cross; TypeError for another."""
    import numpy

    descr: Any = dtype.str
    if dtype.names is not None:
        try:
            to_descr: Any = numpy.lib.format.dtype_to_descr
            descr = to_descr(dtype)
        except ValueError:
            descr = None  # fields that overlap, or are not in the order of their offsets
        descr = repr(descr)
    if dtype.hasobject:
        raise TypeError(f"an array of Python objects (dtype {dtype}) cannot cross: convert it, for example x.astype(float)")
    try:
        if dtype.subdtype is not None or parse(descr).size != dtype.itemsize:
            raise WireError
    except WireError:
        raise TypeError(f"an array of dtype {dtype} cannot cross: convert it, for example x.astype('f8')") from None
    return str(descr)


_numpy: Any = None


def has_numpy() -> bool:
    """Tells whether this process can use numpy; imports it."""
    global _numpy
    if _numpy is None:
        try:
            import numpy

            _numpy = numpy
        except ImportError:
            _numpy = False
    return bool(_numpy)
