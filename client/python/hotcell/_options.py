"""Options of a launch, as the supervisor takes them: those of "hotcell run"."""

from __future__ import annotations

import math
import os
import re
from typing import Any, Iterable, Mapping, Optional, Union

Duration = Union[int, float, str]
Size = Union[int, str]
Path = Union[str, "os.PathLike[str]"]

# Units of durations, in nanoseconds.
_UNITS = {"ns": 1, "us": 10**3, "\u00b5s": 10**3, "\u03bcs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)")


def nanoseconds(what: str, v: Duration) -> int:
    """A time as a person gives it, seconds or a text like "500ms" or "1m30s". It is longer than nothing."""
    if isinstance(v, str):
        parts = _PART.findall(v)
        n = round(sum(float(number) * _UNITS[unit] for number, unit in parts))
        if not parts or "".join(map("".join, parts)) != v:
            raise ValueError(f"{what}={v!r}: write a number with a unit, for example 500ms, 2s or 1m30s")
    elif isinstance(v, bool) or not isinstance(v, (int, float)):
        raise TypeError(f"{what} is a {type(v).__name__}: give seconds, or a text like '500ms'")
    else:
        n = round(v * 1e9) if math.isfinite(v) else 0
    if not 0 < n < 1 << 62:
        raise ValueError(f"{what}={v!r}: a time is longer than nothing and finite")
    return n


def _size(what: str, v: Size) -> str:
    if isinstance(v, bool) or not isinstance(v, (int, str)):
        raise TypeError(f"{what} is a {type(v).__name__}: give bytes, or a text like '256M'")
    return str(v)


def _count(what: str, v: int) -> str:
    if isinstance(v, bool) or not isinstance(v, int):
        raise TypeError(f"{what} is a {type(v).__name__}: give a whole number")
    return str(v)


def _number(what: str, v: float) -> str:
    if isinstance(v, bool) or not isinstance(v, (int, float)):
        raise TypeError(f"{what} is a {type(v).__name__}: give a number")
    return repr(float(v))


def _duration(what: str, v: Duration) -> str:
    return f"{nanoseconds(what, v)}ns"


_LIMITS = {
    "memory": _size, "timeout": _duration, "cpu_time": _duration, "cpus": _number, "threads": _count, "recursion": _count,
    "max_output": _size, "max_log": _size, "scratch": _size, "max_operations": _count, "max_file": _size,
}


def options(limits: Mapping[str, Any], modules: Iterable[str], read: Iterable[Path], write: Iterable[Path],
            policy: Optional[Path], ask: bool) -> "list[str]":
    """Limits that are None are left to the policy. Paths are taken from where this process stands."""
    out = [f"{name.replace('_', '-')}={_LIMITS[name](name, v)}" for name, v in limits.items() if v is not None]
    out += [f"module={m}" for m in _several("modules", modules)]
    out += [f"read={os.path.abspath(p)}" for p in _several("read", read)]
    out += [f"write={os.path.abspath(p)}" for p in _several("write", write)]
    if policy is not None:
        out.append(f"policy={os.path.abspath(policy)}")
    if ask:
        out.append("ask=true")
    return out


def is_policy_text(policy: "Optional[Path]") -> bool:
    """Tells a policy's text from a path: text has more than one line, or sets something."""
    return isinstance(policy, str) and ("\n" in policy or "=" in policy and not os.path.exists(policy))


def _several(what: str, items: Iterable[Any]) -> "list[str]":
    if isinstance(items, (str, bytes, os.PathLike)):
        raise TypeError(f"{what} takes a list, not one {type(items).__name__}")
    return [os.fspath(i) for i in items]


def environment(env: Mapping[str, str]) -> "list[str]":
    return [f"{name}={value}" for name, value in env.items()]


def interpreter(path: Optional[Path]) -> str:
    """A path from where this process stands, or a name such as "cpython"."""
    if path is None:
        return ""
    text = os.fspath(path)
    return os.path.abspath(text) if os.sep in text else text
