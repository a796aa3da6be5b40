"""Results of calls: what a reply says is checked, then arrays are made of it.

The supervisor has checked all of it once, as a sandbox's word. It is checked
here again: the memory that is looked at is this process's own.
"""

from __future__ import annotations

import os
import re
import weakref
from typing import Any, List, NamedTuple, Optional, Tuple

from . import _dtypes, _memory, _wire
from ._memory import Memory
from ._wire import Ref, Span, WireError
from .errors import Error, InvalidResult

MAX_RESULTS = 1024
MAX_TEXT = 1 << 20  # bytes of all long text of a call
ALIGN = 64

# Results up to this size are copied: less than a page, which keeping them
# would hold here and in the supervisor.
_SMALL = 4096

# Beyond so many results that are kept where the supervisor put them, later
# ones are copied. The supervisor itself keeps at most 256.
_MAX_HELD = 128

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")


class _Array(NamedTuple):
    """A checked array of a reply."""

    dtype: Any
    descr: str
    shape: Tuple[int, ...]
    offset: int
    size: int
    fortran: bool
    text: bool  # some of it is, perhaps


class Checked(NamedTuple):
    """Checked results of a call."""

    names: Tuple[str, ...]
    values: "List[Any]"  # a value, an _Array or a Span
    number: int  # of the region, 0 for none
    arrays: int  # how many of the values lie in the region and are no number or text
    begin: int  # of the bytes in the region that are looked at
    end: int
    bytes: int  # of all arrays


class Results:
    """One model's replies, in the client's process."""

    def __init__(self, live: bool = False) -> None:
        self.live = live
        """Arrays lie where the model writes them."""

        self.release: "List[int]" = []
        """Regions that may be written again: told with the next request. Any thread appends."""

        self._regions: "dict[int, Memory]" = {}
        self._held: "dict[int, weakref.ref[Any]]" = {}
        self._last: Tuple[bytes, Optional[Checked]] = b"", None

    def take(self, payload: bytes, fd: Optional[int]) -> Any:
        """The results of a reply, as the model returned them. It closes the descriptor."""
        try:
            known, plan = self._last
            if plan is None or fd is not None or payload != known:
                plan = self._read(payload, fd)
        finally:
            if fd is not None:
                os.close(fd)
        return self._make(plan)

    def _read(self, payload: bytes, fd: Optional[int]) -> Checked:
        reply = _wire.read_reply(payload)
        self._last = b"", None
        size = self._adopt(reply.region, fd)
        for number in reply.forget:
            self._regions.pop(number, None)
        plan = check(reply.values, reply.region.number, size)
        # A reply is mostly the same as the one before, but for what it names.
        if not reply.region.passed and not reply.forget:
            self._last = payload, plan
        return plan

    def _adopt(self, region: _wire.Region, fd: Optional[int]) -> int:
        """Knows a reply's region from now on; gives its size."""
        number, size, passed = region
        if passed != (fd is not None):
            raise WireError("a reply whose descriptor is missing, or one too many")
        if number == 0:
            if size or passed:
                raise WireError("a region without a number")
            return 0
        memory = self._regions.get(number)
        if fd is not None:
            if memory is not None:
                raise WireError(f"region {number} a second time")
            memory = self._regions[number] = (_memory.adopt_output if self.live else _memory.adopt)(fd, size)
        if memory is None or len(memory) != size:
            raise WireError(f"region {number} of {size} bytes, which is not known")
        return size

    def _make(self, plan: Checked) -> Any:
        if self.live and plan.arrays:
            self.release.append(plan.number)
            return live(plan, self._regions[plan.number])
        if plan.number in self._held:
            raise WireError(f"a reply in region {plan.number}, which is still looked at")
        if plan.number == 0 or plan.end == plan.begin:
            if plan.number:
                self.release.append(plan.number)
            values = [_value(v, b"", 0) for v in plan.values]
        elif plan.end - plan.begin <= _SMALL or len(self._held) >= _MAX_HELD or not plan.arrays or not _dtypes.has_numpy():
            data = self._regions[plan.number][plan.begin : plan.end]
            self.release.append(plan.number)
            values = [_value(v, data, plan.begin) for v in plan.values]
        else:
            values = self._hold(plan)
        return _shaped(plan.names, values)

    def _hold(self, plan: Checked) -> "List[Any]":
        """Makes arrays on the region itself, which is released when the last of them is gone."""
        import numpy

        memory: Any = self._regions[plan.number]
        if plan.arrays > 1:
            # What every array of this reply, and every view of one, holds.
            memory = numpy.ndarray((len(memory),), "u1", memory)
        try:
            values = [_value(v, memory, 0) for v in plan.values]
        except Error:
            self.release.append(plan.number)
            raise
        held = memory
        if plan.arrays == 1:
            held = next(made for made, v in zip(values, plan.values) if type(v) is _Array and v.shape and v.size)
        release, holds, number = self.release, self._held, plan.number

        def gone(_: Any) -> None:
            holds.pop(number, None)
            release.append(number)

        holds[number] = weakref.ref(held, gone)
        return values


def check(values: "List[Tuple[str, Any]]", number: int, size: int) -> Checked:
    """Judges a reply as the supervisor judges a sandbox's result: nothing that passes reaches outside the region."""
    if len(values) > MAX_RESULTS:
        raise WireError(f"{len(values)} results")
    names = tuple([name for name, _ in values])
    if len(set(names)) != len(names) or not all(map(_NAME.match, names)):
        raise WireError("names of results that are none, or are there twice")
    checked: "List[Any]" = []
    text = arrays = end = total = 0
    begin = size
    for _, v in values:
        if type(v) is Ref:
            v = _checked(v, size)
            arrays += v.shape != () and v.size > 0
            total += v.size
            first, last = (v.offset, v.offset + v.size) if v.size else (size, 0)
        elif type(v) is Span:
            first, last = v.offset, v.offset + v.size
            text += v.size
            if last > size or text > MAX_TEXT:
                raise WireError(f"text of {v.size} bytes at {v.offset} of a region of {size}")
        else:
            checked.append(v)
            continue
        begin, end = min(begin, first), max(end, last)
        checked.append(v)
    return Checked(names, checked, number, arrays, min(begin, end), end, total)


def check_apart(checked: Checked) -> None:
    """Wants results that do not overlap: each is copied, up to a thousand times the region."""
    at = 0
    for begin, size in sorted((v.offset, v.size) for v in checked.values if type(v) in (_Array, Span) and v.size):
        if begin < at:
            raise WireError("results that overlap")
        at = begin + size


def made(checked: Checked, data: bytes) -> Any:
    """What the model returned, with a copy of the bytes from begin to end of its region."""
    return _shaped(checked.names, values(checked, data))


def live(checked: Checked, memory: Memory) -> Any:
    """What the model returned, with its arrays where it goes on writing them. What is judged by its bytes is copied first."""
    made = []
    for v in checked.values:
        if type(v) is _Array and v.shape and v.size and not v.text and _dtypes.has_numpy():
            made.append(_value(v, memory, 0))
        elif type(v) in (_Array, Span):
            made.append(_value(v, memory[v.offset : v.offset + v.size], v.offset))
        else:
            made.append(v)
    return _shaped(checked.names, made)


def values(checked: Checked, data: bytes) -> "List[Any]":
    """The same, one by one."""
    return [_value(v, data, checked.begin) for v in checked.values]


def _checked(ref: Ref, size: int) -> _Array:
    dtype, item = _dtypes.load(ref.descr)
    n, none = item, False
    for length in ref.shape:
        if length < 0:
            raise WireError(f"an array of shape {ref.shape}")
        if length == 0:
            none = True
        else:
            n *= length
    # As in numpy the other axes of an array without elements must not
    # overflow either.
    if n >= 1 << 63:
        raise WireError(f"an array of shape {ref.shape}")
    if none:
        n = 0
    if ref.offset < 0 or ref.offset % ALIGN or n and ref.offset + n > size:
        raise WireError(f"an array of {n} bytes at {ref.offset} of a region of {size}")
    text = "<U" in ref.descr or ">U" in ref.descr
    return _Array(dtype, ref.descr, ref.shape, ref.offset, n, ref.fortran, text)


def _value(v: Any, data: Any, begin: int) -> Any:
    """A value, with its bytes in data, which begin at this offset of the region."""
    if type(v) is _Array:
        if not _dtypes.has_numpy():
            return _view(v, data, begin)
        return _ndarray(v, data, begin)
    if type(v) is Span:
        try:
            return bytes(memoryview(data)[v.offset - begin : v.offset - begin + v.size]).decode("utf-8")
        except UnicodeDecodeError:
            raise WireError("text that is not UTF-8") from None
    return v


def _ndarray(v: _Array, data: Any, begin: int) -> Any:
    import numpy

    if v.size == 0:
        data, begin = b"", v.offset
    try:
        a: Any = numpy.ndarray(v.shape, v.dtype, data, v.offset - begin, None, "F" if v.fortran else "C")
    except ValueError as e:
        raise WireError(f"an array of shape {v.shape}: {e}") from None
    if v.text:
        _check_text(a)
    if v.shape:
        return a
    # Numbers and texts are Python's own; times and structures have no type
    # there that keeps them whole.
    return a.item() if v.dtype.kind in "biufcSU" else a.copy()[()]


def _check_text(a: Any) -> None:
    """Wants code points. numpy makes a str of any numbers, one that Python itself could not make."""
    if a.dtype.names:
        for name in a.dtype.names:
            _check_text(a[name])
    elif a.dtype.kind == "U":
        codes = a.view((a.dtype.byteorder.replace("=", _dtypes.NATIVE) + "u4", (a.dtype.itemsize // 4,)))
        if codes.max(initial=0) > 0x10FFFF:
            error = InvalidResult("the model returned a text of characters that there are not")
            error.source = "model"
            raise error


def _view(v: _Array, data: bytes, begin: int) -> Any:
    part = data[v.offset - begin : v.offset - begin + v.size]
    if v.descr[1] == "S" and v.shape == ():
        return part.rstrip(b"\0")
    if v.dtype is None or v.fortran and len(v.shape) > 1:
        raise Error(f"a result of dtype {v.descr[:80]} and shape {v.shape} needs numpy in this process")
    view = memoryview(part).cast(v.dtype)
    if v.shape == ():
        return view[0]
    return view if len(v.shape) == 1 or v.size == 0 else view.cast("B").cast(v.dtype, v.shape)


def _shaped(names: Tuple[str, ...], values: "List[Any]") -> Any:
    """What the model returned: one value, a tuple or list (as a tuple), or a dict."""
    if names == ("result",):
        return values[0]
    if len(names) > 1 and names[0] == "result" and all(n == f"result_{i}" for i, n in enumerate(names[1:], 1)):
        return tuple(values)
    return dict(zip(names, values))
