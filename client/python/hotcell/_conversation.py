"""One model's conversation with the supervisor: who receives, and what answers mean."""

from __future__ import annotations

import collections
import logging
import mmap
import os
import threading
from typing import TYPE_CHECKING, Callable, Deque, Mapping, Optional, Tuple

from . import _functions, _memory, _operations, _report, _wire
from ._advice import in_python
from ._calls import Known, Plan
from ._conn import Conn, Gone
from ._follow import Follower
from ._line import Line, Unusable
from ._report import Report
from ._results import Results
from ._wire import WireError
from .errors import Cancelled, Error, ForkedError, InternalError, ModelError, ModelTraceback, SetupError, of_verdict

if TYPE_CHECKING:
    from ._supervisor import Supervisor

log = logging.getLogger("hotcell")

MAX_REPORT = 64 << 20

# What answers a question that has a number.
_ANSWERS = (_wire.REPLY, _wire.FAILURE, _wire.ATTACHED)

_Frame = Tuple[int, int, bytes, Optional[int]]


class Conversation:
    """The part of a Model that speaks.

    Calls go through the supervisor, or over a line past it. Of what comes from the
    supervisor one thread receives at a time, the one that holds _reading: a call's, or one
    that asks for figures while there is no call. A thread that asks during a call
    gets its figures from the thread of the call.
    """

    def __init__(self, supervisor: "Supervisor", conn: Conn, follower: Optional[Follower], name: str,
                 on_operation: Optional[_operations.OnOperation], functions: "Mapping[str, _functions.Function]") -> None:
        self.name, self._functions = name, functions
        self._supervisor, self._conn, self._follower, self._on_operation = supervisor, conn, follower, on_operation
        self._known = Known()
        self._policy_text: Optional[str] = None  # the file that its policy's text lies in
        self._asked = 0  # counts what was asked; an answer has the number of its question
        self._plan: Optional[Plan] = None  # of the last call
        self._line: Optional[Line] = None
        self._results = Results()
        # Whoever is asked must be in the call.
        self._may_attach = on_operation is None and not functions
        self._over: Optional[Error] = None  # why no call is possible any more
        self._closed = False
        self._report: Optional[Report] = None  # the final one
        self._calling = threading.Lock()  # held by the one call, which takes _reading too
        self._reading = threading.Lock()
        self._figures: Optional[Report] = None
        self._wanted = False  # somebody waits for figures
        self._owed = 0  # figures that were asked for and did not come yet
        self._moved = threading.Event()  # figures came, or nobody receives any more
        self._caller: Optional[int] = None  # the thread of the call
        self._deciding = False  # it runs on_operation, or a function
        self._pending: "Deque[_Frame]" = collections.deque()  # what came while on_operation asked for figures

    def _ask(self) -> int:
        """The number of the next question."""
        self._asked = (self._asked + 1) % (1 << 32)
        return self._asked

    def _answer(self) -> "tuple[int, bytes, Optional[int]]":
        """Receives until something comes that answers a launch or what was asked last."""
        while True:
            kind, seq, payload, fd = self._pending.popleft() if self._pending else self._conn.receive()
            if kind in _ANSWERS:
                if seq != self._asked:
                    self._conn.drop(fd)
                    raise WireError(f"an answer with number {seq} to question {self._asked}")
                return kind, payload, fd
            if kind == _wire.FIGURES and self._owed:
                self._take_figures(payload, fd)
                continue
            if kind == _wire.DELEGATE:
                self._delegated(payload, fd, seq)
                continue
            if fd is not None:
                os.close(fd)
                raise WireError(f"a descriptor with message {kind}")
            if kind == _wire.QUESTION:
                self._decide(_wire.read_question(payload), seq)
            else:
                return kind, payload, None

    def _failed(self, kind: int, payload: bytes, fd: Optional[int]) -> Error:
        """The error that an answer other than a reply means."""
        if fd is not None:
            self._conn.drop(fd)
            raise WireError(f"a descriptor with message {kind}")
        if kind != _wire.FAILURE:
            raise WireError(f"message {kind} in place of an answer")
        failure = _wire.read_failure(payload)
        error = of_verdict(failure.verdict, failure.source, in_python(self._given_name(failure.reason)), failure.ended)
        if isinstance(error, ModelError):
            error.type, error.message, error.traceback = failure.type, failure.message, failure.traceback
            error.file, error.line = failure.file, failure.line
            if failure.traceback:
                error.__cause__ = ModelTraceback(failure.traceback)
        if failure.ended:
            self._over = error.again()
        if isinstance(error, SetupError):
            self._known.lost()
            self._plan = None
        return error

    def _given_name(self, reason: str) -> str:
        """The reason, with the policy's text for the file that it went over in."""
        if self._policy_text is None:
            return reason
        return reason.replace(f": hotcell policy check {self._policy_text})", ")").replace(self._policy_text, "policy")

    def _launched(self) -> None:
        """Waits for the answer to the launch."""
        with self._calling, self._reading:
            self._caller = threading.get_ident()
            try:
                self._await_launch()
            finally:
                self._caller = None

    def _await_launch(self) -> None:
        try:
            kind, payload, fd = self._answer()
            if kind == _wire.LAUNCHED:
                _wire.read_empty(payload)
                return
            raise self._failed(kind, payload, fd)
        except Gone:
            raise self._lost() from None
        except WireError as e:
            raise self._broken(e) from None

    def _decide(self, question: _wire.Question, seq: int) -> None:
        """Has the host application decide an operation. What goes wrong there denies it."""
        decision = _operations.DENY
        if self._on_operation is not None:
            self._deciding = True
            try:
                decision = _operations.as_decision(self._on_operation(_operations.Operation(*question)))
            except Exception:
                log.exception("on_operation; the operation is denied")
            finally:
                self._deciding = False
        d = decision
        self._conn.send(_wire.decision_frame(d.effect, d.errno, d.content, d.always, seq))

    def _delegated(self, payload: bytes, fd: Optional[int], seq: int) -> None:
        """Runs a function of the host application that the model calls."""
        self._deciding = True
        try:
            frame, passed = _functions.run(self._functions, payload, fd, seq)
        finally:
            self._deciding = False
        try:
            self._conn.send(frame, () if passed is None else [passed])
        finally:
            if passed is not None:
                os.close(passed)

    # The line.

    def _attach(self, plan: Plan) -> None:
        """Has calls of this plan go over a line from now on, if they can."""
        meter = None if self._line else _memory.create(mmap.PAGESIZE)
        self._conn.send(_wire.attach_frame(plan.numbers, self._ask()), () if meter is None else [meter.shared.fd])
        kind, payload, fd = self._answer()
        if kind != _wire.ATTACHED:
            raise self._failed(kind, payload, fd)
        fds = self._conn.both(fd)
        try:
            attached = _wire.read_attached(payload)
            if meter is not None and attached.output:
                self._line = Line(fds, meter, attached.output, attached.timeout, self._results.live)
        finally:
            for fd in fds:
                os.close(fd)
        if self._line is None:
            self._may_attach = False
        else:
            plan.grant(attached.granted)

    def _judged(self, e: Unusable) -> Error:
        """What the supervisor makes of a call over the line that brought no result."""
        with self._reading:
            self._conn.send(_wire.heard_frame(e.frame, e.late, self._ask()))
            return self._failed(*self._answer())

    # How it ends.

    def _abandon(self) -> None:
        """A call was interrupted: its answer would be taken for that of the next."""
        error = Cancelled("a call was interrupted")
        error.source, error.ended = "supervisor", True
        self._over = error
        try:
            self._conn.send(_wire.CANCEL_FRAME)
        except Gone:
            pass

    def _lost(self) -> Error:
        """The conversation ended by itself."""
        if self._over is None:
            self._over = self._supervisor._lost_by(self.name)
        return self._over.again()

    def _broken(self, e: WireError) -> Error:
        """The supervisor said what it must not: nothing that it says later can be told apart from lies."""
        error = InternalError(f"the supervisor sent {e}")
        error.source, error.ended = "supervisor", True
        self._over = error
        self._conn.close()
        return error.again()

    def _forked(self) -> None:
        """This is a forked child, which must not speak in its parent's conversation."""
        self._over = ForkedError("this process was forked from the one that launched the model: start a supervisor here")
        self._conn.forget()
        if self._line is not None:
            self._line.close()
        if self._follower is not None:
            self._follower.forget()

    def _check_fork(self) -> None:
        if isinstance(self._over, ForkedError):
            raise self._over.again()

    # Figures.

    def _lost_report(self) -> Error:
        return InternalError(f"{self.name} was closed without a report: its supervisor was lost")

    def _inquire(self, receive: "Callable[[], None]") -> Report:
        self._figures, self._wanted = None, True
        try:
            self._owed += 1
            self._conn.send(_wire.INQUIRE_FRAME)
            while self._figures is None:
                receive()
            return self._figures
        except Gone:
            if self._report is not None:
                return self._report
            raise (self._lost_report() if self._closed else self._lost()) from None
        except WireError as e:
            raise self._broken(e) from None
        finally:
            self._wanted = False

    def _wait_for_figures(self) -> None:
        """Whoever receives takes the figures: the thread that calls the model, or this one."""
        self._moved.clear()
        if self._figures is not None:
            return
        if not self._reading.acquire(False):
            self._moved.wait()
            return
        try:
            self._receive_figures()
        finally:
            self._reading.release()

    def _receive_figures(self) -> None:
        """Receives until the figures are there; no call is under way."""
        while self._figures is None:
            if self._closed:
                raise Gone("closed")
            kind, seq, payload, fd = self._conn.receive()
            if kind == _wire.FIGURES:
                self._take_figures(payload, fd)
            elif kind == _wire.QUESTION and fd is None:
                self._decide(_wire.read_question(payload), seq)
            elif kind == _wire.DELEGATE:
                self._delegated(payload, fd, seq)
            else:
                if fd is not None:
                    os.close(fd)
                # Only the answer to a call that was interrupted may come.
                if self._over is None:
                    raise WireError(f"message {kind} in place of figures")

    def _receive_figures_aside(self) -> None:
        """The same in the thread of a call, whose answer may come before them."""
        frame = self._conn.receive()
        if frame[0] == _wire.FIGURES:
            self._take_figures(frame[2], frame[3])
        else:
            self._pending.append(frame)

    def _take_figures(self, payload: bytes, fd: Optional[int]) -> None:
        self._owed -= 1
        self._figures = self._read_figures(payload, fd)
        self._moved.set()

    def _read_figures(self, payload: bytes, fd: Optional[int]) -> Report:
        if fd is None:
            raise WireError("figures without their descriptor")
        try:
            size = _wire.read_figures(payload)
            if size > MAX_REPORT:
                raise WireError(f"a report of {size} bytes")
            return _report.parse(_memory.read(fd, size))
        finally:
            os.close(fd)
