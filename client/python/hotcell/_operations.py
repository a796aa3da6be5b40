"""What a model tries, and how the host application decides it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Union


@dataclass(frozen=True)
class Operation:
    """One thing that a model tried, and that no rule of its policy decides. All of it is the model's word.

    kind is open, stat, list, create, remove, rename, import, connect, socket, exec,
    fork, signal, call or syscall; target what it is about (a resolved path, a
    module, an address); write whether it could change that; syscall the system
    call, empty for an import.
    """

    kind: str
    target: str
    write: bool = False
    syscall: str = ""


@dataclass(frozen=True)
class Decision:
    """The answer to an Operation.

    effect is "allow", "deny" (with errno, 0 for the usual one), "kill" (the model
    ends with PolicyViolation) or "virtual" (a file with this content is there).
    With always it holds for equal operations of the model too.
    """

    effect: str
    errno: int = 0
    content: bytes = b""
    always: bool = False

    def __post_init__(self) -> None:
        if self.effect not in _EFFECTS:
            raise ValueError(f"a decision of {self.effect!r}: use one of {', '.join(_EFFECTS)}")
        if not 0 <= self.errno < 4096:
            raise ValueError(f"a decision with errno {self.errno}")
        if not isinstance(self.content, bytes) or len(self.content) > MAX_CONTENT:
            raise ValueError(f"a virtual file holds at most {MAX_CONTENT} bytes")


_EFFECTS = ("allow", "deny", "kill", "virtual")

# What fits into a frame with all else that is in it.
MAX_CONTENT = 60 << 10

Answer = Union[Decision, str, bool, None]
OnOperation = Callable[[Operation], Answer]

DENY = Decision("deny")


def as_decision(answer: Answer) -> Decision:
    """What a callback returned: True allows, False and None deny, a str is an effect."""
    if isinstance(answer, Decision):
        return answer
    if answer is None or answer is False:
        return DENY
    if answer is True:
        return Decision("allow")
    if isinstance(answer, str):
        return Decision(answer)
    raise TypeError(f"on_operation returned a {type(answer).__name__}: return a Decision, its effect as a str, or True or False")
