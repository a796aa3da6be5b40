"""Fields and frames of the wire, as ipc/PROTOCOL.md draws them.

The decoder takes nothing but what an honest supervisor could have written:
much of a reply was chosen by a sandbox.
"""

from __future__ import annotations

import struct
from typing import Any, Iterable, List, NamedTuple, NoReturn, Sequence, Tuple

VERSION = 1
HEADER = struct.Struct("<HHI")
MAX_FRAME = 64 << 10
MAX_DESCRIPTORS = 128
MAX_NESTING = 16
MAX_INTEGER = 32 << 10  # bytes of an integer's magnitude
MAX_AXES = 32

# Value kinds.
NONE, BOOL, INT, FLOAT, COMPLEX, TEXT, ARRAY, SPAN, LIST, DICT = range(10)

_FIELDS = [struct.Struct("<" + c) for c in "BIQqd"]
put_u8, put_u32, put_u64, put_i64, put_f64 = (s.pack for s in _FIELDS)
_get_u8, _get_u32, _get_u64, _get_i64, _get_f64 = (s.unpack_from for s in _FIELDS)


class WireError(Exception):
    """Bytes that are no frame of the protocol."""


class Ref(NamedTuple):
    """An array in a region: dtype as an .npy header has it, order C or Fortran."""

    descr: str
    shape: Tuple[int, ...]
    offset: int
    fortran: bool = False


class Region(NamedTuple):
    """Names a region of shared memory; its descriptor comes with the frame if passed."""

    number: int
    size: int
    passed: bool


class Span(NamedTuple):
    """Text in a region."""

    offset: int
    size: int


class File(NamedTuple):
    """One source file in the region of the sources; module is "" for the model itself."""

    module: str
    path: str
    package: bool
    offset: int
    size: int


class Encoder:
    """Appends little-endian fields; text and lists carry a u32 count."""

    def __init__(self) -> None:
        self.parts: "list[bytes]" = []

    def u8(self, v: int) -> None:
        self.parts.append(put_u8(v))

    def u32(self, v: int) -> None:
        self.parts.append(put_u32(v))

    def u64(self, v: int) -> None:
        self.parts.append(put_u64(v))

    def i64(self, v: int) -> None:
        self.parts.append(put_i64(v))

    def f64(self, v: float) -> None:
        self.parts.append(put_f64(v))

    def blob(self, v: bytes) -> None:
        self.parts += (put_u32(len(v)), v)

    def text(self, v: str) -> None:
        self.blob(str.encode(v, "utf-8", "backslashreplace"))

    def texts(self, v: Sequence[str]) -> None:
        self.u32(len(v))
        for s in v:
            self.text(s)

    def u64s(self, v: Sequence[int]) -> None:
        self.u32(len(v))
        for n in v:
            self.u64(n)

    def regions(self, v: Sequence[Region]) -> None:
        self.u32(len(v))
        for number, size, passed in v:
            self.u64(number)
            self.u64(size)
            self.u8(passed)

    def files(self, v: Sequence[File]) -> None:
        self.u32(len(v))
        for f in v:
            self.text(f.module)
            self.text(f.path)
            self.u8(f.package)
            self.u64(f.offset)
            self.u64(f.size)

    def ref(self, v: Ref) -> None:
        self.u8(ARRAY)
        self.text(v.descr)
        self.u8(v.fortran)
        self.i64(v.offset)
        self.u32(len(v.shape))
        for n in v.shape:
            self.i64(n)

    def span(self, v: Span) -> None:
        self.u8(SPAN)
        self.u64(v.offset)
        self.u64(v.size)

    def value(self, v: Any, nesting: int = MAX_NESTING) -> None:
        """Encodes None, a bool, number, str, list, tuple or dict of those; at the top a Ref too.

        TypeError or ValueError for what has no wire form. A list may hold itself.
        """
        if len(self.parts) > MAX_FRAME:
            raise ValueError("more than fits into a frame: pass large data as arrays")
        if v is None:
            self.u8(NONE)
        elif isinstance(v, bool):
            self.u8(BOOL)
            self.u8(v)
        elif isinstance(v, int):
            self.integer(int(v))
        elif isinstance(v, float):
            self.u8(FLOAT)
            self.f64(v)
        elif isinstance(v, complex):
            self.u8(COMPLEX)
            self.f64(v.real)
            self.f64(v.imag)
        elif isinstance(v, str):
            self.u8(TEXT)
            self.text(v)
        elif type(v) is Ref:
            self.ref(v)
        elif isinstance(v, (list, tuple)):
            nesting = inner(nesting)
            self.u8(LIST)
            self.u32(len(v))
            for item in v:
                self.value(item, nesting)
        elif isinstance(v, dict):
            self.u8(DICT)
            self.args(v.items(), len(v), inner(nesting))
        else:
            self.other(v)

    def other(self, v: Any) -> None:
        """A numpy scalar is its number."""
        plain = v.item() if type(v).__module__ == "numpy" and getattr(v, "shape", None) == () else None
        if not isinstance(plain, (bool, int, float, complex, str)):
            hint = ": an array is an input of its own, not in a list or dict" if hasattr(v, "dtype") else ""
            raise TypeError(f"a {type(v).__module__}.{type(v).__qualname__} cannot cross{hint}")
        self.value(plain)

    def integer(self, v: int) -> None:
        n = abs(v)
        size = (n.bit_length() + 7) // 8
        if size > MAX_INTEGER:
            raise ValueError(f"an integer of {n.bit_length()} bits cannot cross, at most {8 * MAX_INTEGER}")
        self.u8(INT)
        self.u8(v < 0)
        self.blob(n.to_bytes(size, "little"))

    def args(self, pairs: Iterable[Tuple[str, Any]], count: int, nesting: int = MAX_NESTING) -> None:
        self.u32(count)
        for name, v in pairs:
            if not isinstance(name, str):
                raise TypeError(f"a key of type {type(name).__name__} cannot cross: keys are str")
            self.text(name)
            self.value(v, nesting)

    def payload(self) -> bytes:
        return b"".join(self.parts)


def inner(nesting: int) -> int:
    if nesting == 0:
        raise ValueError(f"lists and dicts within each other deeper than {MAX_NESTING} cannot cross")
    return nesting - 1


def frame(kind: int, payload: bytes = b"", seq: int = 0) -> bytes:
    """One datagram."""
    return HEADER.pack(kind, VERSION, seq) + payload


class Decoder:
    """Reads the same fields out of a payload. WireError for anything that Encoder would not write."""

    def __init__(self, payload: bytes) -> None:
        self.b, self.at = payload, 0

    def fail(self, why: str) -> NoReturn:
        raise WireError(why)

    def _take(self, get: Any, size: int) -> Any:
        try:
            (v,) = get(self.b, self.at)
        except struct.error:
            self.fail(f"{size} bytes wanted, {len(self.b) - self.at} left")
        self.at += size
        return v

    def u8(self) -> int:
        return int(self._take(_get_u8, 1))

    def u32(self) -> int:
        return int(self._take(_get_u32, 4))

    def u64(self) -> int:
        return int(self._take(_get_u64, 8))

    def i64(self) -> int:
        return int(self._take(_get_i64, 8))

    def f64(self) -> float:
        return float(self._take(_get_f64, 8))

    def flag(self) -> bool:
        v = self.u8()
        if v > 1:
            self.fail(f"a truth value of {v}")
        return v == 1

    def count(self, size: int) -> int:
        """A list's length, refused before anything is allocated for it if the bytes left cannot hold it."""
        n = self.u32()
        if n * size > len(self.b) - self.at:
            self.fail(f"a count of {n} in {len(self.b) - self.at} bytes")
        return n

    def blob(self) -> bytes:
        n = self.count(1)
        self.at += n
        return self.b[self.at - n : self.at]

    def text(self) -> str:
        try:
            return self.blob().decode("utf-8")
        except UnicodeDecodeError:
            self.fail("text that is not UTF-8")

    def texts(self) -> "list[str]":
        return [self.text() for _ in range(self.count(4))]

    def u64s(self) -> "list[int]":
        return [self.u64() for _ in range(self.count(8))]

    def region(self) -> Region:
        return Region(self.u64(), self.u64(), self.flag())

    def integer(self) -> int:
        negative, magnitude = self.flag(), self.blob()
        if len(magnitude) > MAX_INTEGER or magnitude[-1:] == b"\0" or negative and not magnitude:
            self.fail(f"an integer of {len(magnitude)} bytes in no normal form")
        n = int.from_bytes(magnitude, "little")
        return -n if negative else n

    def ref(self) -> Ref:
        descr, fortran, offset = self.text(), self.flag(), self.i64()
        axes = self.count(8)
        if axes > MAX_AXES:
            self.fail(f"an array of {axes} axes")
        return Ref(descr, tuple([self.i64() for _ in range(axes)]), offset, fortran)

    def value(self) -> Any:
        """A result's value: no list, no dict."""
        kind = self.u8()
        if kind == NONE:
            return None
        if kind == BOOL:
            return self.flag()
        if kind == INT:
            return self.integer()
        if kind == FLOAT:
            return self.f64()
        if kind == COMPLEX:
            return complex(self.f64(), self.f64())
        if kind == TEXT:
            return self.text()
        if kind == ARRAY:
            return self.ref()
        if kind == SPAN:
            return Span(self.u64(), self.u64())
        self.fail(f"a value of kind {kind} here")

    def args(self) -> "List[Tuple[str, Any]]":
        return [(self.text(), self.value()) for _ in range(self.count(5))]

    def done(self) -> None:
        if self.at != len(self.b):
            self.fail(f"{len(self.b) - self.at} bytes too many")
