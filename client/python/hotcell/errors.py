"""What can go wrong, as exceptions of the host application's process.

Each way in which a model ends has a class of its own (Error.verdict names it as
a report does); the others are about the client or its supervisor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional, Type

from ._text import printable

if TYPE_CHECKING:
    from ._report import Report


class Error(Exception):
    """The base of all errors of this package.

    The attributes hold text as it came: reason, and a ModelError's message and
    traceback, may be a hostile model's own words. str() of an error escapes what
    could play tricks on a terminal.
    """

    verdict: Optional[str] = None
    """How the model ended, as in a report ("memory-limit"); None for errors that are no verdict."""

    source: Optional[str] = None
    """Whose word the verdict is: "kernel", "supervisor" or "model"."""

    ended: bool = False
    """The model has ended: it cannot be called again."""

    report: Optional["Report"] = None
    """What it cost, where there is no model to ask: launch failed, or run or map made it. None if that is not known."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return printable(self.reason)

    def again(self) -> "Error":
        """A copy to raise: a model that has ended says so at every call."""
        copy = type(self)(self.reason)
        copy.__dict__.update(self.__dict__)
        copy.__cause__ = self.__cause__
        return copy


class ModelError(Error):
    """The model raised an exception; sys.exit is one too. It may be called again unless ended is set.

    type is the exception's class, message its text, traceback the model's own
    lines as Python prints them, file and line where it was raised (0: not
    known). A traceback that Python prints shows the model's as the cause.
    """

    verdict = "exception"
    type: str = ""
    message: str = ""
    traceback: str = ""
    file: str = ""
    line: int = 0


class ModelTraceback(Exception):
    """Carries a model's traceback as the cause of its error, for display only."""

    def __str__(self) -> str:
        return "in the model's sandbox:\n\n" + printable(str(self.args[0]))


class InvalidResult(Error):
    """What the model returned cannot cross, or its process sent what is no result."""

    verdict = "invalid-result"


class PolicyViolation(Error):
    """The model tried what a rule, or on_operation, answers with "kill"."""

    verdict = "policy-violation"


class MemoryLimit(Error):
    """The model needed more memory than its limit. With source "model" it caught that itself and stays usable."""

    verdict = "memory-limit"


class TimeLimit(Error):
    """A call, or the launch, took longer than it may: verdict is wall-time-limit or cpu-time-limit."""

    verdict = "wall-time-limit"


class ThreadLimit(Error):
    """The model failed for want of threads."""

    verdict = "thread-limit"


class RecursionLimit(Error):
    """The model called itself too deeply."""

    verdict = "recursion-limit"


class OutputLimit(Error):
    """The model returned or printed more than it may; or the results of too many calls are kept (see Model)."""

    verdict = "output-limit"


class OperationLimit(Error):
    """The model tried too many operations that are not plainly allowed."""

    verdict = "operation-limit"


class Crash(Error):
    """The model's process ended by a signal, or by an exit that nobody asked for."""

    verdict = "crash"


class Cancelled(Error):
    """The host ended the model: cancel(), Ctrl-C during a call, or the end of an awaiting task."""

    verdict = "cancelled"


class SetupError(Error):
    """The model never ran, or a call never began: an unusable model, input or option, or a host that lacks something."""

    verdict = "setup-error"


class InternalError(Error):
    """Hotcell's own failure; also a supervisor that sends what the protocol does not allow."""

    verdict = "internal-error"


class BusyError(Error):
    """The model is being called by another thread: it takes one call at a time."""


class ClosedError(Error):
    """The model, or the supervisor, was closed by this process."""


class SupervisorLost(Error):
    """The supervisor is gone, and all its models with it."""

    ended = True


class ForkedError(Error):
    """A forked child cannot use its parent's supervisor: start one of its own. Arrays stay readable there."""

    ended = True


_VERDICTS: "dict[str, Type[Error]]" = {
    c.verdict: c  # type: ignore[misc]
    for c in (
        ModelError, InvalidResult, PolicyViolation, MemoryLimit, TimeLimit, ThreadLimit, RecursionLimit, OutputLimit,
        OperationLimit, Crash, Cancelled, SetupError, InternalError,
    )
}
_VERDICTS["cpu-time-limit"] = TimeLimit


def of_verdict(verdict: str, source: str, reason: str, ended: bool) -> Error:
    """The error of a verdict; an unknown one is an InternalError that names it."""
    kind = _VERDICTS.get(verdict)
    error = kind(reason) if kind else InternalError(f"unknown verdict {verdict!r}: {reason}")
    error.verdict = verdict if kind else InternalError.verdict
    error.source, error.ended = source, ended
    return error
