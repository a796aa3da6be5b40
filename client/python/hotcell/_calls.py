"""Requests: what a call passes, encoded once and used again while it stays the same."""

from __future__ import annotations

import weakref
from typing import Any, Callable, List, Mapping, Optional, Sequence, Tuple

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
        if _dtypes.has_numpy():
            import numpy

            descr = _dtypes.describe(numpy.dtype(dtype))
        else:
            descr = _dtypes.DESCRS.get(dtype, dtype)
            _dtypes.parse(descr)
        declared.append((name, shape, descr))
    return tuple(declared)


# Tells whether an input is as it was when the request was encoded; for one
# that is copied it does that, too.
_Check = Callable[[Any], bool]


class Plan:
    """One call's inputs, encoded."""

    def __init__(self, staging: _arrays.Staging, inputs: Mapping[str, Any], out: Out, timeout: int) -> None:
        self.out, self.timeout = out, timeout
        self.checks: "Optional[List[Tuple[str, _Check]]]" = []  # None: some value may change unseen
        self.shared: "List[Shared]" = []
        args: "List[Tuple[str, Any]]" = []
        for name, v in inputs.items():
            if not isinstance(name, str):
                raise TypeError("the names of inputs are str")
            if _arrays.is_array(v):
                ref, check = self._array(staging, name, v)
                args.append((name, ref))
            else:
                check_value(name, v)
                check = _same(v)
                args.append((name, v))
            if check is None:
                self.checks = None
            elif self.checks is not None:
                self.checks.append((name, check))
        self.regions = [(s.number, s.size) for s in self.shared]
        self._args = _wire.encoded_args(args)
        self._out = _wire.encoded_args([(n, Ref(d, shape, 0)) for n, shape, d in out]) if out else _wire.NOTHING
        self._end = _wire.encoded_number(timeout) if timeout else _wire.NO_TIMEOUT
        self._steady: "Optional[bytes]" = None
        self._last: "Tuple[List[int], bytes]" = [0], b""  # no region has the number 0

    def _array(self, staging: _arrays.Staging, name: str, v: Any) -> "Tuple[Ref, Optional[_Check]]":
        a = as_array(name, v)
        place = _arrays.locate(a)
        if place is not None:
            self.shared.append(place.shared)
            return place.ref, _same_array(v) if a is v else None
        ref, shared, target = staging.take(name, a)
        self.shared.append(shared)
        _arrays.copy(target, a)
        return ref, _copying(target) if a is v and not isinstance(v, memoryview) else None

    def again(self, inputs: Mapping[str, Any], out: Out, timeout: int) -> bool:
        """Tells whether a call is as this one was; then what is to be copied has been."""
        if self.checks is None or len(inputs) != len(self.checks) or timeout != self.timeout or out != self.out:
            return False
        for name, check in self.checks:
            if not check(inputs.get(name, _MISSING)):
                return False
        return True

    def frame(self, known: "Known", release: "List[int]") -> Tuple[bytes, Sequence[int]]:
        """The request, and the descriptors that go with it. ValueError leaves all as it was."""
        numbers = release[:]
        if self._steady is None:
            frame, fds = self._first(known, numbers)
        elif known.forget:
            frame, fds = self._with(self._regions(), known.take_forget(), numbers), []
        elif numbers == self._last[0]:
            frame, fds = self._last[1], []
        else:
            frame, fds = self._steady + _wire.encoded_numbers(numbers) + self._end, []
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
        self._steady = _wire.REQUEST_HEADER + self._args + self._regions() + _wire.NOTHING + self._out
        # Nothing here keeps the memory of the host application's arrays.
        self.shared = []
        return frame, fds

    def _regions(self, fresh: "Mapping[int, Shared]" = {}) -> bytes:
        """The regions as the wire names them, passed where they come first."""
        passed: "set[int]" = set()
        regions = []
        for number, size in self.regions:
            regions.append(Region(number, size, number in fresh and number not in passed))
            passed.add(number)
        return _wire.encoded_regions(regions)

    def _with(self, regions: bytes, forget: "List[int]", release: "List[int]") -> bytes:
        parts = (_wire.REQUEST_HEADER, self._args, regions, _wire.encoded_numbers(forget), self._out,
                 _wire.encoded_numbers(release), self._end)
        return b"".join(parts)


_MISSING = object()


def check_value(name: str, v: Any) -> None:
    """TypeError or ValueError for an input that has no wire form."""
    try:
        _wire.Encoder().value(v)
    except (TypeError, ValueError) as e:
        raise type(e)(f"input {name}: {e}") from None


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


def _same(v: Any) -> Optional[_Check]:
    """Of values that never change the same object is the same value."""
    return (lambda w: w is v) if v is None or type(v) in (bool, int, float, complex, str) else None


def _same_array(v: Any) -> Optional[_Check]:
    if isinstance(v, memoryview):
        return None
    ref, shape, strides, dtype = weakref.ref(v), v.shape, v.strides, v.dtype

    def check(w: Any) -> bool:
        # An ndarray's shape and type can be set in place.
        return ref() is w and w.shape == shape and w.strides == strides and w.dtype == dtype

    return check


def _copying(target: Any) -> _Check:
    """Copies any array of the same type and shape, unless it is one that would not be copied."""
    kind, shape, dtype = type(target), target.shape, target.dtype

    def check(w: Any) -> bool:
        if type(w) is not kind or w.shape != shape or w.dtype != dtype or w.base is not None and _arrays.home(w) is not None:
            return False
        target[...] = w
        return True

    return check


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
