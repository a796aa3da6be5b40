"""Requests: what a call passes, encoded once and used again while it stays the same."""

from __future__ import annotations

import weakref
from typing import Any, List, Mapping, Optional, Sequence, Tuple

from . import _arrays, _dtypes, _wire
from ._memory import Shared
from ._wire import Ref, Region

# What a call declares: name, shape and description of each array.
Out = Tuple[Tuple[str, Tuple[int, ...], str], ...]
OutSpec = Mapping[str, Tuple[Any, Any]]


def out_arrays(spec: Optional[OutSpec]) -> Out:
    """Reads {"y": (shape, dtype)}."""
    declared = []
    for name, (shape, dtype) in (spec or {}).items():
        shape = (int(shape),) if isinstance(shape, int) else tuple(int(n) for n in shape)
        if any(n < 0 for n in shape):
            raise ValueError(f"out: {name} of shape {shape}")
        declared.append((name, shape, _dtypes.of(dtype)))
    return tuple(declared)


# How a model's results become the host's, as the wire numbers it.
RESULTS = {"copy": 0, "sealed": 1, "live": 2}


def delivery(results: str) -> int:
    if results not in RESULTS:
        raise ValueError(f"results={results!r}: use one of {', '.join(RESULTS)}")
    return RESULTS[results]


class Plan:
    """One call's inputs, encoded; a later call with inputs of the same kinds changes what is different."""

    def __init__(self, staging: _arrays.Staging, inputs: Mapping[str, Any], out: Out, timeout: int, results: int = 0) -> None:
        self._out, self._timeout = out, timeout
        self.shared: "List[Shared]" = []
        self.size = 0
        """Bytes of its arrays."""

        self._items = [self._item(staging, name, v) for name, v in inputs.items()]
        self.lasting = all(type(i) is not _Once for i in self._items)
        """Whether it can be used again."""

        self._region_names = [(s.number, s.size) for s in self.shared]
        self.numbers = [s.number for s in self.shared]
        """Of the regions that it names, in order."""

        self.uses = 0
        self.call: Optional[bytes] = None
        """The frame of the same call over a line; None if it cannot be made there, b"" if it must be made anew."""

        self._granted = b""
        self._plain = self._regions()
        self._tail = _wire.encoded_args([(n, Ref(d, shape, 0)) for n, shape, d in out]) if out else _wire.NOTHING
        self._end = (_wire.encoded_number(timeout) if timeout else _wire.NO_TIMEOUT) + bytes((results,))
        self._passed = False  # the supervisor has the regions
        self._steady = b""  # all up to the numbers that are released, if nothing is passed or forgotten
        self._last: "Tuple[List[int], bytes]" = [0], b""  # no region has the number 0

    def _item(self, staging: _arrays.Staging, name: str, v: Any) -> "_Item":
        if not isinstance(name, str):
            raise TypeError("the names of inputs are str")
        if not _arrays.is_array(v):
            return _Value(name, v) if isinstance(v, _arrays.VALUES) else _Once(name, v)
        a = as_array(name, v)
        place = _arrays.locate(a)
        if place is None:
            ref, shared, target = staging.take(name, a)
            _arrays.copy(target, a)
        else:
            ref, shared = place
        self.shared.append(shared)
        self.size += a.nbytes
        # What numpy has made an array of may change unseen, and a memoryview
        # may be another with the same address.
        if a is not v or isinstance(v, memoryview):
            return _Once(name, ref)
        return _Shown(name, ref, v) if place is not None else _Copied(name, ref, target)

    def again(self, inputs: Mapping[str, Any], out: Out, timeout: int) -> bool:
        """Makes it the plan of this call, if that is near enough to the one before; copies what is to be copied."""
        if len(inputs) != len(self._items) or timeout != self._timeout or out != self._out:
            return False
        for item in self._items:
            v = inputs.get(item.name, _MISSING)
            if not item.same(v):
                if not item.change(v):
                    return False
                self._steady, self._last = b"", ([0], b"")
                if self.call:
                    self.call = b""
        return True

    @property
    def plain(self) -> bool:
        """Whether it can be made over a line: nothing is passed with it, and nothing declared."""
        return self.lasting and self._passed and not self._out

    def grant(self, numbers: Sequence[int]) -> None:
        """Has it made over a line, where the sandbox knows its regions by these numbers; 0 for one that it does not keep."""
        if len(numbers) != len(self._region_names):
            raise _wire.WireError(f"{len(numbers)} numbers for {len(self._region_names)} regions")
        if all(numbers):
            regions = [Region(n, size, False) for n, (_, size) in zip(numbers, self._region_names)]
            self._granted, self.call = _wire.encoded_regions(regions) + _wire.NOTHING + _wire.NOTHING, b""

    def call_frame(self) -> bytes:
        """Call's frame."""
        self.call = b"".join((_wire.CALL_HEADER, _wire.encoded_count(len(self._items)), *[i.encoded for i in self._items], self._granted))
        return self.call

    def frame(self, known: "Known", release: "List[int]") -> Tuple[bytes, Sequence[int]]:
        """The request's payload, and the descriptors that go with it. ValueError leaves all as it was."""
        numbers = release[:]
        fds: "List[int]" = []
        if not self._passed:
            frame, fds = self._first(known, numbers)
        elif known.forget:
            frame = self._with(self._plain, known.take_forget(), numbers)
        elif numbers == self._last[0]:
            frame = self._last[1]
        else:
            if not self._steady:
                steady = self._head() + self._plain + _wire.NOTHING + self._tail
                check_size(steady, fds)
                self._steady = steady
            frame = self._steady + _wire.encoded_numbers(numbers) + self._end
            self._last = numbers, frame
        del release[: len(numbers)]
        return frame, fds

    def _first(self, known: "Known", release: "List[int]") -> Tuple[bytes, "List[int]"]:
        """The first request with these inputs passes what the supervisor does not have yet."""
        fresh = {s.number: s for s in self.shared if not known.has(s)}
        regions, fds = self._regions(fresh), [s.fd for s in fresh.values()]
        check_size(self._with(regions, [], []), fds)
        frame = self._with(regions, known.take_forget(), release)
        for shared in fresh.values():
            known.learn(shared)
        self._passed = True
        # Nothing here keeps the memory of the host application's arrays.
        self.shared = []
        return frame, fds

    def _regions(self, fresh: "Mapping[int, Shared]" = {}) -> bytes:
        """The regions as the wire names them, passed where they come first."""
        passed: "set[int]" = set()
        regions = []
        for number, size in self._region_names:
            regions.append(Region(number, size, number in fresh and number not in passed))
            passed.add(number)
        return _wire.encoded_regions(regions)

    def _head(self) -> bytes:
        return b"".join((_wire.encoded_count(len(self._items)), *[i.encoded for i in self._items]))

    def _with(self, regions: bytes, forget: "List[int]", release: "List[int]") -> bytes:
        parts = (self._head(), regions, _wire.encoded_numbers(forget), self._tail, _wire.encoded_numbers(release), self._end)
        return b"".join(parts)


class _Item:
    """One input of a plan: how it is encoded, and how that of a later call is."""

    __slots__ = ("encoded", "name")

    def __init__(self, name: str, v: Any) -> None:
        self.name, self.encoded = name, _encoded(name, v)

    def same(self, v: Any) -> bool:
        """Tells that this is the encoding of v; copies what is to be copied."""
        return False

    def change(self, v: Any) -> bool:
        """Makes it the encoding of v, if v is of the same kind."""
        return False


class _Once(_Item):
    """An input that is looked at anew in each call."""

    __slots__ = ()


class _Value(_Item):
    """Anything but an array."""

    __slots__ = ("value",)

    def __init__(self, name: str, v: Any) -> None:
        super().__init__(name, v)
        self.value = v if type(v) in _UNCHANGING else _MISSING

    def same(self, v: Any) -> bool:
        return v is self.value and v is not _MISSING

    def change(self, v: Any) -> bool:
        if not isinstance(v, _arrays.VALUES):
            return False
        self.encoded = _encoded(self.name, v)
        self.value = v if type(v) in _UNCHANGING else _MISSING
        return True


class _Shown(_Item):
    """An array in shared memory. An ndarray's shape and type can be set in place."""

    __slots__ = ("dtype", "ref", "shape", "strides")

    def __init__(self, name: str, ref: Ref, v: Any) -> None:
        super().__init__(name, ref)
        self.ref, self.shape, self.strides, self.dtype = weakref.ref(v), v.shape, v.strides, v.dtype

    def same(self, v: Any) -> bool:
        return self.ref() is v and v.shape == self.shape and v.strides == self.strides and v.dtype == self.dtype


class _Copied(_Item):
    """An array that is copied into target, as any of the same shape and type is."""

    __slots__ = ("dtype", "kind", "shape", "target")

    def __init__(self, name: str, ref: Ref, target: Any) -> None:
        super().__init__(name, ref)
        self.target, self.kind, self.shape, self.dtype = target, type(target), target.shape, target.dtype

    def same(self, v: Any) -> bool:
        if type(v) is not self.kind or v.shape != self.shape or v.dtype != self.dtype:
            return False
        if v.base is not None and _arrays.home(v) is not None:
            return False
        self.target[...] = v
        return True


_MISSING = object()

# Of values of these types the same object is the same value.
_UNCHANGING = frozenset((type(None), bool, int, float, complex, str))


def _encoded(name: str, v: Any) -> bytes:
    """TypeError or ValueError for an input that has no wire form."""
    e = _wire.Encoder()
    e.text(name)
    try:
        e.value(v)
    except (TypeError, ValueError) as error:
        raise type(error)(f"input {name}: {error}") from None
    return e.payload()


def check_value(name: str, v: Any) -> None:
    """TypeError or ValueError for an input that has no wire form."""
    _encoded(name, v)


def as_array(name: str, v: Any) -> Any:
    """An input as an ndarray or a memoryview; TypeError if it cannot cross."""
    try:
        return _arrays.as_array(v)
    except TypeError as e:
        raise TypeError(f"input {name}: {e}") from None


# Room in every frame for numbers of what is forgotten and released.
_SPARE = 4 << 10


def check_size(frame: bytes, fds: Sequence[int], spare: int = 0) -> None:
    """ValueError for inputs that do not fit into one frame."""
    most = _wire.MAX_FRAME - _SPARE
    if len(frame) > most or len(fds) + spare > _wire.MAX_DESCRIPTORS:
        raise ValueError(
            f"too many or too large inputs: {len(frame)} bytes besides the arrays and {len(fds)} arrays for the first time; "
            f"at most {most} and {_wire.MAX_DESCRIPTORS - spare} fit. Pass large data as arrays"
        )


class Known:
    """The memory files that the supervisor has, for one model. It is told of those that are gone."""

    def __init__(self) -> None:
        self.forget: "List[int]" = []
        """Numbers to tell with the next request. Any thread appends."""

        self._numbers: "dict[int, weakref.ref[Shared]]" = {}

    def has(self, shared: Shared) -> bool:
        return shared.number in self._numbers

    def learn(self, shared: Shared) -> None:
        """The file is being passed."""
        numbers, forget, number = self._numbers, self.forget, shared.number

        def gone(_: Any) -> None:
            if numbers.pop(number, None) is not None:
                forget.append(number)

        numbers[number] = weakref.ref(shared, gone)

    def take_forget(self) -> "List[int]":
        """At most so many that they always fit into a frame; the others stay."""
        numbers = self.forget[:64]
        del self.forget[: len(numbers)]
        return numbers

    def lost(self) -> None:
        """The supervisor refused a request: it may not have taken all that came with it."""
        self._numbers.clear()
