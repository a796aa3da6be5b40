"""Functions of this process that a model may call.

What a model passes is its word: it is read as results are, in memory that
nobody writes any more. What a function gives is copied. The model learns of an
error only that there was one; this process's log has it.
"""

from __future__ import annotations

import logging
import os
from typing import Any, Callable, List, Mapping, Optional, Tuple

from . import _arrays, _memory, _results, _wire
from ._wire import Ref, Span, WireError

log = logging.getLogger("hotcell")

Function = Callable[..., Any]

# Bounds of what a function gives, which are the supervisor's.
MAX_BYTES = 16 << 20
MAX_TEXT = 1 << 20
_INLINE = 8 << 10  # of a text in the frame


def checked(functions: Mapping[str, Function]) -> "dict[str, Function]":
    """The functions of a launch; TypeError for what is none."""
    for name, function in functions.items():
        if not isinstance(name, str) or not callable(function):
            raise TypeError(f"functions takes callables by name; {name!r} is a {type(function).__name__}")
    return dict(functions)


def run(functions: Mapping[str, Function], payload: bytes, fd: Optional[int], seq: int) -> Tuple[bytes, Optional[int]]:
    """Runs the function of a delegate message. It closes the descriptor.

    It gives the answer's frame and the descriptor that goes with it, for the
    caller to close. WireError for what no supervisor could have sent.
    """
    try:
        name, args, kwargs = _read(payload, fd)
    finally:
        if fd is not None:
            os.close(fd)
    function = functions.get(name)
    if function is None:
        raise WireError(f"a call of {name[:80]!r}, which is no function of this model's")
    try:
        value, data = _given(function(*args, **kwargs))
        passed = _memory.frozen(data, "hotcell-given") if data else None
        try:
            return _wire.delivered_frame(False, value, len(data), seq), passed
        except BaseException:
            if passed is not None:
                os.close(passed)
            raise
    except Exception:
        log.exception("function %s; the model is told that it failed", name)
        return _wire.delivered_frame(True, None, 0, seq), None


def _read(payload: bytes, fd: Optional[int]) -> "Tuple[str, List[Any], dict[str, Any]]":
    """Name, arguments by place and by name."""
    message = _wire.read_delegate(payload)
    if (fd is not None) != (message.size > 0):
        raise WireError("a call of a function whose descriptor is missing, or one too many")
    if message.size > MAX_BYTES + _results.MAX_RESULTS * _results.ALIGN + MAX_TEXT:
        raise WireError(f"arguments of {message.size} bytes")
    data = _memory.read(fd, message.size) if fd is not None else b""
    given = _results.check(message.args, 1, len(data))
    args: "List[Any]" = []
    kwargs: "dict[str, Any]" = {}
    for name, value in zip(given.names, _results.values(given, data[given.begin : given.end])):
        if name == f"_{len(args)}":
            args.append(value)
        else:
            kwargs[name] = value
    return message.function, args, kwargs


def _given(value: Any) -> Tuple[Any, bytes]:
    """What a function gave as the wire has it, and the bytes that lie in a region. TypeError or ValueError for another."""
    if _arrays.is_array(value):
        a = _arrays.as_array(value)
        if a.nbytes > MAX_BYTES:
            raise ValueError(f"an array of {a.nbytes} bytes, at most {MAX_BYTES} can be given")
        fortran = _arrays.is_fortran(a)
        data = a.tobytes() if isinstance(a, memoryview) else a.tobytes("F" if fortran else "C")
        return Ref(_arrays.describe(a), tuple(a.shape), 0, fortran), data
    if isinstance(value, str):
        text = str.encode(value, "utf-8", "backslashreplace")
        if len(text) > MAX_TEXT:
            raise ValueError(f"a text of {len(text)} bytes, at most {MAX_TEXT} can be given")
        if len(text) > _INLINE:
            return Span(0, len(text)), text
    if isinstance(value, (list, tuple, dict)):
        raise TypeError(f"a {type(value).__name__} cannot be given: give an array, a number, a text or None")
    return value, b""
