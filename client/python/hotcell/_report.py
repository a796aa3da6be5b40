"""Reports: what happened to a model, and what it cost."""

from __future__ import annotations

import json
from typing import Any, Dict

from .errors import InternalError


class Report(Dict[str, Any]):
    """A report as the supervisor wrote it: a dict whose members are attributes too.

    report.usage.memory_peak_bytes is report["usage"]["memory_peak_bytes"]. Times are
    in seconds, sizes in bytes; README.md of the project lists the fields. stdout
    and stderr hold the beginning of what the model printed, its own words.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the report has no {name}: it has {', '.join(self)}") from None

    def __dir__(self) -> "list[str]":
        return [*super().__dir__(), *self]


def parse(text: bytes) -> Report:
    """Reads a report; it is the supervisor's word, of which a model wrote strings only."""
    try:
        report = json.loads(text, object_hook=Report)
    except (ValueError, RecursionError) as e:
        raise InternalError(f"the supervisor sent a report that is none: {e}") from None
    if not isinstance(report, Report):
        raise InternalError("the supervisor sent a report that is none")
    return report
