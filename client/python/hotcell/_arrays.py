"""Arrays of the host application: in shared memory, or on their way there.

What array and empty give lies in a memory file of its own, so that all of it
may be shown to a model. Everything else is copied into one.
"""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple, Optional, Tuple

from . import _dtypes, _memory
from ._memory import Memory, Shared
from ._wire import Ref

_NUMBERS = (bool, int, float, complex, str)
# What crosses as itself. A number of numpy's is not among them, unless Python counts it in.
VALUES = (*_NUMBERS, type(None), list, tuple, dict)


def array(x: Any, dtype: Any = None) -> Any:
    """See Supervisor.array."""
    a = as_array(x, dtype)
    if a is None:
        raise TypeError(f"a {type(x).__name__} is no array")
    out = empty(a.shape, a.dtype if _dtypes.has_numpy() else a.format, fortran=is_fortran(a))
    copy(out, a)
    return out


def empty(shape: Any, dtype: Any = "f8", fortran: bool = False) -> Any:
    """See Supervisor.empty."""
    shape = (int(shape),) if isinstance(shape, int) else tuple(int(n) for n in shape)
    if any(n < 0 for n in shape):
        raise ValueError(f"an array of shape {shape}")
    if not _dtypes.has_numpy():
        return _empty_view(shape, dtype)
    import numpy

    dtype = numpy.dtype(dtype)
    _dtypes.describe(dtype)  # refuses what cannot cross
    size = dtype.itemsize
    for n in shape:
        size *= n
    if size == 0:
        return numpy.empty(shape, dtype)
    memory = _memory.create(size)
    a: Any = numpy.ndarray(shape, dtype, memory, order="F" if fortran else "C")
    memory.address = a.__array_interface__["data"][0]
    return a


def _empty_view(shape: Tuple[int, ...], dtype: str) -> memoryview:
    descr = _dtypes.of(dtype)
    form = _dtypes.FORMATS[descr]
    size = _dtypes.parse(descr).size
    for n in shape:
        size *= n
    if size == 0:
        return memoryview(bytearray()).cast(form)
    memory = _memory.create(size)
    memory.address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    return memoryview(memory).cast("B").cast(form, shape)


def as_array(x: Any, dtype: Any = None) -> Any:
    """x as an ndarray, without numpy as a contiguous memoryview; None if it is no array. TypeError if it cannot cross."""
    if not _dtypes.has_numpy():
        return _as_view(x)
    import numpy

    if isinstance(x, numpy.ma.MaskedArray):
        raise TypeError("a masked array cannot cross: pass x.filled(value) and x.mask")
    if type(x) is bytes:
        x = memoryview(x)  # elements, not a text of fixed width that drops NULs at its end
    a = numpy.asarray(x, dtype)
    _dtypes.describe(a.dtype)
    return a


def _as_view(x: Any) -> Optional[memoryview]:
    try:
        view = memoryview(x)
    except TypeError:
        return None
    if view.format not in _dtypes.DESCRS:
        raise TypeError(f"a buffer of format {view.format!r} cannot cross: use one of {' '.join(sorted(_dtypes.DESCRS))}")
    if not view.c_contiguous:
        raise TypeError("a memoryview in pieces needs numpy in this process to cross")
    return view


def is_array(x: Any) -> bool:
    """Tells what crosses as an array: ndarrays, what numpy makes one of, and objects with the buffer protocol."""
    if isinstance(x, VALUES):
        return False
    if _dtypes.has_numpy():
        import numpy

        if isinstance(x, numpy.generic):
            return not isinstance(x.item(), _NUMBERS)  # else it is a number or a str of Python's
    if hasattr(x, "__array__") or hasattr(x, "__array_interface__"):
        return True
    try:
        memoryview(x)
    except TypeError:
        return False
    return True


def is_fortran(a: Any) -> bool:
    """Tells that the elements lie in Fortran order and in no other."""
    if isinstance(a, memoryview):
        return False
    return bool(a.flags.f_contiguous and not a.flags.c_contiguous)


def copy(to: Any, a: Any) -> None:
    """Copies elements; both have the same type and shape."""
    if not isinstance(a, memoryview):
        to[...] = a
    elif a.nbytes:
        memoryview(to).cast("B")[:] = a.cast("B")


class Place(NamedTuple):
    """An array as the wire has it: in which memory file, and where."""

    ref: Ref
    shared: Shared


def describe(a: Any) -> str:
    return _dtypes.DESCRS[a.format] if isinstance(a, memoryview) else _dtypes.describe(a.dtype)


def home(a: Any) -> Optional[Memory]:
    """The memory of this process in which an array lies, if array or empty made it."""
    base: Any = a
    if not isinstance(base, memoryview):
        base = a.base
        while isinstance(base, type(a)):
            base = base.base
    if type(base) is memoryview:
        base = base.obj
    return base if type(base) is Memory and base.shared is not None else None


def locate(a: Any) -> Optional[Place]:
    """Where an array lies in shared memory; None if it does not, or not in one piece."""
    if a.nbytes == 0:
        return Place(Ref(describe(a), tuple(a.shape), 0), _memory.empty())
    memory = home(a)
    if memory is None or memory.shared is None:
        return None
    if isinstance(a, memoryview):
        address, fortran = ctypes.addressof(ctypes.c_char.from_buffer(a)), False
    else:
        if not a.flags.forc:
            return None
        address, fortran = a.__array_interface__["data"][0], is_fortran(a)
    return Place(Ref(describe(a), tuple(a.shape), address - memory.address, fortran), memory.shared)


def copied(a: Any) -> Place:
    """An array in memory of its own, copied there unless it lies in shared memory already."""
    place = locate(a)
    if place is None:
        place = locate(array(a))
        assert place is not None
    return place


class Staging:
    """Where one model's inputs are copied to, call after call, if they lie in no shared memory.

    Each input has memory that is kept: fresh pages cost five times the copy. An
    input of always the same size fills its memory, so that the supervisor hands
    it on as it is. Of one whose size varies the memory is larger, and the
    supervisor copies the part.

    Memory is never shared between models: what one has mapped it may look at
    later, too.
    """

    def __init__(self) -> None:
        self._slots: "dict[str, Tuple[Memory, bool]]" = {}

    def take(self, name: str, a: Any) -> Tuple[Ref, Shared, Any]:
        """Room for an array: its place, and an array there to copy into."""
        memory = self._room(name, a.nbytes)
        assert memory.shared is not None
        fortran = is_fortran(a)
        if isinstance(a, memoryview):
            target: Any = memoryview(memory).cast("B")[: a.nbytes].cast(a.format, tuple(a.shape or ()))
        else:
            import numpy

            target = numpy.ndarray(a.shape, a.dtype, memory, order="F" if fortran else "C")
        return Ref(describe(a), tuple(a.shape), 0, fortran), memory.shared, target

    def _room(self, name: str, size: int) -> Memory:
        known = self._slots.pop(name, None)
        if known is not None:
            memory, varies = known
            if len(memory) == size or varies and len(memory) > size:
                self._slots[name] = known
                return memory
        room = size
        if known is not None:
            room = 4096
            while room < size:
                room *= 2
        memory = _memory.create(room)
        self._slots[name] = memory, known is not None
        # Names that a host makes up do not add up.
        while len(self._slots) > _MAX_SLOTS:
            del self._slots[next(iter(self._slots))]
        return memory


_MAX_SLOTS = 64
