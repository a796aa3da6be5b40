"""Advice in Python's terms: the supervisor's is for its command line."""

from __future__ import annotations

import re

_SENTENCES = (
    ("; give it as NAME=VALUE or NAME=@FILE", ": give it in the call, or in inputs at the launch"),
    ("run without --write, --scratch and connect rules", "launch without write, scratch and connect rules"),
)

# Options of a launch, with what they take where the text names it.
_LIST = re.compile(r"--(module|read|write) ([^\s;,:]+)")
_LISTS = {"module": "modules", "read": "read", "write": "write"}
_OPTION = re.compile(
    r"--(memory|timeout|cpu-time|cpus|threads|recursion|max-output|max-log|scratch|max-operations|max-file|read|write|policy|interpreter)\b(?: (?=\d))?"
)
_MODULE = re.compile(r"--modules?\b")


def in_python(text: str) -> str:
    """The same text, with what a person could do about it said as an argument of launch."""
    for theirs, ours in _SENTENCES:
        text = text.replace(theirs, ours)
    if "--" not in text:
        return text
    text = _LIST.sub(_listed, text)
    text = _OPTION.sub(lambda m: m.group(1).replace("-", "_") + "=", text)
    return _MODULE.sub("modules=", text)


def _listed(m: "re.Match[str]") -> str:
    what, value = m.groups()
    if value in ("or", "and", "if", "FILE", "DIR", "PATH"):
        return f"{_LISTS[what]}= {value}"
    return f"{_LISTS[what]}=[{value!r}]"
