"""The messages between this client and its supervisor, as ipc/PROTOCOL.md draws them."""

from __future__ import annotations

import struct
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

from ._codec import (
    HEADER as HEADER, MAX_DESCRIPTORS as MAX_DESCRIPTORS, MAX_FRAME as MAX_FRAME, MAX_NESTING as MAX_NESTING,
    VERSION as VERSION, Decoder as Decoder, Encoder as Encoder, File as File, Ref as Ref, Region as Region,
    Span as Span, WireError as WireError, frame as frame, put_u32, put_u64,
)

OPEN, OPENED, LAUNCH, LAUNCHED, REQUEST, REPLY, FAILURE, QUESTION, DECISION, INQUIRE, FIGURES, CANCEL, CLOSE, ATTACH, ATTACHED, HEARD, DELEGATE, DELIVERED = range(32, 50)

# Of the sandbox's conversation, over a line.
CALL, RESULT = 21, 22

# What the supervisor says.


class Opened(NamedTuple):
    version: str
    pid: int


class Reply(NamedTuple):
    values: "List[Tuple[str, Any]]"
    region: Region
    forget: "List[int]"


class Failure(NamedTuple):
    verdict: str
    source: str
    reason: str
    type: str
    message: str
    traceback: str
    file: str
    line: int
    ended: bool


class Question(NamedTuple):
    kind: str
    target: str
    write: bool
    syscall: str


class Attached(NamedTuple):
    granted: "List[int]"
    output: int
    timeout: int


def read_opened(payload: bytes) -> Opened:
    d = Decoder(payload)
    m = Opened(d.text(), d.u32())
    d.done()
    return m


def read_reply(payload: bytes) -> Reply:
    d = Decoder(payload)
    m = Reply(d.args(), d.region(), d.u64s())
    d.done()
    return m


def read_failure(payload: bytes) -> Failure:
    d = Decoder(payload)
    m = Failure(d.text(), d.text(), d.text(), d.text(), d.text(), d.text(), d.text(), d.u32(), d.flag())
    d.done()
    return m


def read_question(payload: bytes) -> Question:
    d = Decoder(payload)
    m = Question(d.text(), d.text(), d.flag(), d.text())
    d.done()
    return m


def read_figures(payload: bytes) -> int:
    d = Decoder(payload)
    size = d.u64()
    d.done()
    return size


def read_attached(payload: bytes) -> Attached:
    d = Decoder(payload)
    m = Attached(d.u64s(), d.u64(), d.u64())
    d.done()
    return m


class Delegate(NamedTuple):
    function: str
    args: "List[Tuple[str, Any]]"
    size: int


def read_delegate(payload: bytes) -> Delegate:
    d = Decoder(payload)
    m = Delegate(d.text(), d.args(), d.u64())
    d.done()
    return m


def read_empty(payload: bytes) -> None:
    Decoder(payload).done()


# What the client says.


def open_frame(client: str) -> bytes:
    e = Encoder()
    e.text(client)
    return frame(OPEN, e.payload())


class Launch(NamedTuple):
    function: str
    interpreter: str
    options: "List[str]"
    env: "List[str]"
    seed: Optional[int]
    files: "List[File]"
    args: "List[Tuple[str, Any]]"
    regions: "List[Region]"
    follow: bool
    ask: bool
    functions: "Sequence[str]" = ()


def launch_frame(m: Launch) -> bytes:
    e = Encoder()
    e.text(m.function)
    e.text(m.interpreter)
    e.texts(m.options)
    e.texts(m.env)
    e.u64(m.seed or 0)
    e.u8(m.seed is not None)
    e.files(m.files)
    e.args(m.args, len(m.args))
    e.regions(m.regions)
    e.u8(m.follow)
    e.u8(m.ask)
    e.texts(m.functions)
    return frame(LAUNCH, e.payload())


def decision_frame(effect: str, errno: int, content: bytes, always: bool, seq: int) -> bytes:
    e = Encoder()
    e.text(effect)
    e.u32(errno)
    e.blob(content)
    e.u8(always)
    return frame(DECISION, e.payload(), seq)


def attach_frame(regions: Sequence[int], seq: int) -> bytes:
    return frame(ATTACH, encoded_numbers(regions), seq)


def heard_frame(what: bytes, late: int, seq: int) -> bytes:
    e = Encoder()
    e.blob(what)
    e.u64(late)
    return frame(HEARD, e.payload(), seq)


def delivered_frame(failed: bool, value: Any, size: int, seq: int) -> bytes:
    e = Encoder()
    e.u8(failed)
    if type(value) is Span:
        e.span(value)
    else:
        e.value(value)
    e.u64(size)
    return frame(DELIVERED, e.payload(), seq)


# A request in its parts, as most of it is the same from call to call.

NO_TIMEOUT = put_u64(0)
NOTHING = put_u32(0)  # an empty list


def encoded_args(args: "Sequence[Tuple[str, Any]]") -> bytes:
    e = Encoder()
    e.args(args, len(args))
    return e.payload()


def encoded_regions(regions: Sequence[Region]) -> bytes:
    e = Encoder()
    e.regions(regions)
    return e.payload()


def encoded_numbers(numbers: Sequence[int]) -> bytes:
    return struct.pack(f"<I{len(numbers)}Q", len(numbers), *numbers)


def encoded_count(n: int) -> bytes:
    return put_u32(n)


def encoded_number(n: int) -> bytes:
    return put_u64(n)


CALL_HEADER = HEADER.pack(CALL, VERSION, 0)
CLOSE_FRAME, CANCEL_FRAME, INQUIRE_FRAME = frame(CLOSE), frame(CANCEL), frame(INQUIRE)
