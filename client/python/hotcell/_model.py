"""A model in its sandbox, as the host application holds it."""

from __future__ import annotations

import collections
import logging
import os
import threading
from typing import TYPE_CHECKING, Any, Callable, Deque, Mapping, Optional, Tuple

from . import _calls, _memory, _operations, _report, _wire
from ._arrays import Staging
from ._calls import OutSpec
from ._conn import Conn, Gone
from ._follow import Follower
from ._options import Duration, nanoseconds
from ._report import Report
from ._results import Results
from ._wire import WireError
from .errors import (
    BusyError, Cancelled, ClosedError, Error, ForkedError, InternalError, ModelError, ModelTraceback, SetupError, of_verdict,
)

if TYPE_CHECKING:
    from ._supervisor import Supervisor

log = logging.getLogger("hotcell")

MAX_REPORT = 64 << 20

_Frame = Tuple[int, int, bytes, Optional[int]]


class Model:
    """A model that stays in its sandbox and keeps its state from call to call. Supervisor.launch makes it.

    It is called with inputs by name: arrays (anything that numpy makes one of, and
    buffers), None, bools, numbers, str, and lists and dicts of those; at most
    64 KiB besides the arrays. It takes one call at a time; different models may
    be called by different threads at once. Used as a context manager it is closed
    at the end.
    """

    def __init__(self, supervisor: "Supervisor", conn: Conn, follower: Optional[Follower], name: str,
                 on_operation: Optional[_operations.OnOperation], out: OutSpec) -> None:
        self.name = name
        self._supervisor, self._conn, self._follower, self._on_operation = supervisor, conn, follower, on_operation
        self._out = _calls.out_arrays(out)
        self._staging, self._known, self._results = Staging(), _calls.Known(), Results()
        self._plan: Optional[_calls.Plan] = None
        self._over: Optional[Error] = None  # why no call is possible any more
        self._closed = False
        self._report: Optional[Report] = None
        self._calling = threading.Lock()  # held by the one call
        self._reading = threading.Lock()  # held by whoever receives
        self._asking = threading.Lock()  # held by the one who waits for figures
        self._closing = threading.Lock()
        self._figures: Optional[Report] = None
        self._wanted = False  # somebody waits for figures
        self._owed = 0  # figures that were asked for and did not come yet
        self._moved = threading.Event()  # figures came, or nobody receives any more
        self._caller: Optional[int] = None  # the thread of the call
        self._deciding = False  # it runs on_operation
        self._pending: "Deque[_Frame]" = collections.deque()  # what came while on_operation asked for figures

    def __repr__(self) -> str:
        state = "closed" if self._closed else "ended" if self._over else "running"
        return f"<hotcell.Model {self.name} {state}>"

    def __enter__(self) -> "Model":
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def __call__(self, /, *, timeout: Optional[Duration] = None, out: Optional[OutSpec] = None, **inputs: Any) -> Any:
        """Calls the model. See call, which takes inputs of any name; here timeout and out are none."""
        return self.call(inputs, timeout=timeout, out=out)

    def call(self, inputs: Mapping[str, Any] = {}, *, timeout: Optional[Duration] = None, out: Optional[OutSpec] = None) -> Any:
        """Calls the model with inputs by name, beside those bound at the launch, and waits for what it returns.

        timeout bounds this call, in seconds or as a text ("500ms"); it cannot be
        longer than the model's own. out declares arrays that the model gets to
        write, {"y": (shape, dtype)}: each is an input and a result.

        What the model returned comes back: an array as a read-only ndarray (without
        numpy a memoryview), numbers, text and None as Python's own, a tuple or list
        of those as a tuple, a dict as a dict. A scalar of numpy and an array without
        axes are their number. Arrays of a page and more lie in shared memory, which
        nobody writes while one of them, or a view of one, is there; they stay
        valid after the model is closed. 128 such results are kept at a time, later
        ones are copies.

        An array that array or empty of the supervisor made is passed without a
        copy, a contiguous part of one with a copy; the model must not count on
        what it keeps of any input after the call. Any other array is copied.

        Raises the error of how it ended (ModelError, TimeLimit ...), whose attribute
        ended tells whether the model can be called again; BusyError when another
        thread is calling it; TypeError or ValueError for an input that cannot
        cross; SupervisorLost.
        """
        if self._over is not None:
            raise self._over.again()
        if not self._calling.acquire(False):
            raise BusyError(f"{self.name} is being called: a model takes one call at a time")
        try:
            with self._reading:
                self._caller = threading.get_ident()
                return self._call(inputs, timeout, out)
        finally:
            self._caller = None
            self._calling.release()
            if self._wanted:
                self._moved.set()

    def _call(self, inputs: Mapping[str, Any], timeout: Optional[Duration], out: Optional[OutSpec]) -> Any:
        if self._over is not None:
            raise self._over.again()
        limit = nanoseconds("timeout", timeout) if timeout is not None else 0
        declared = self._out if out is None else _calls.out_arrays(out)
        plan = self._plan
        if plan is None or not plan.again(inputs, declared, limit):
            self._plan = None
            plan = _calls.Plan(self._staging, inputs, declared, limit)
        try:
            frame, fds = plan.frame(self._known, self._results.release)
            self._plan = plan if plan.checks is not None else None
            self._conn.send(frame, fds)
            kind, payload, fd = self._answer()
            if kind == _wire.REPLY:
                return self._results.take(payload, fd)
            raise self._failed(kind, payload, fd)
        except (Error, ValueError):
            raise
        except Gone:
            raise self._lost() from None
        except WireError as e:
            raise self._broken(e) from None
        except BaseException:
            # Ctrl-C, or an error of on_operation that is no Exception. The
            # answer is still to come, and nobody would take it.
            self._abandon()
            raise

    def _answer(self) -> "tuple[int, bytes, Optional[int]]":
        """Receives until something comes that answers a launch or a call."""
        while True:
            kind, seq, payload, fd = self._pending.popleft() if self._pending else self._conn.receive()
            if kind == _wire.REPLY:
                return kind, payload, fd
            if kind == _wire.FIGURES and self._owed:
                self._take_figures(payload, fd)
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
        if kind != _wire.FAILURE:
            raise WireError(f"message {kind} in place of an answer")
        failure = _wire.read_failure(payload)
        error = of_verdict(failure.verdict, failure.source, failure.reason, failure.ended)
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
            if fd is not None:
                os.close(fd)
            raise self._failed(kind, payload, None)
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

    # How it ends.

    def cancel(self) -> None:
        """Ends the model, whatever it is doing; a call under way raises Cancelled. From any thread, at any time."""
        self._check_fork()
        try:
            self._conn.send(_wire.CANCEL_FRAME)
        except Gone:
            pass  # it has ended already

    def close(self) -> None:
        """Ends the model and gives up what it held; report is final then. Results stay valid. A second close does nothing.

        A call under way in another thread is cancelled first. BusyError from
        on_operation: the model waits for its answer.
        """
        if self._caller == threading.get_ident():
            raise BusyError(f"{self.name} is being called by this thread: use cancel() in on_operation or a signal handler")
        if isinstance(self._over, ForkedError):
            return
        with self._closing:
            if self._closed:
                return
            if not self._calling.acquire(False):
                self.cancel()
                self._calling.acquire()
            try:
                with self._reading:
                    self._close()
            finally:
                self._over = ClosedError(f"{self.name} is closed")
                self._closed = True
                self._conn.close()
                self._calling.release()
                self._moved.set()
                if self._follower is not None:
                    self._follower.close()

    def _close(self) -> None:
        try:
            self._conn.send(_wire.CLOSE_FRAME)
            while True:
                kind, seq, payload, fd = self._conn.receive()
                if kind == _wire.FIGURES:
                    # The last one counts: one that an interrupted thread asked
                    # for may come before.
                    self._report = self._read_figures(payload, fd)
                elif fd is not None:
                    os.close(fd)  # of a call that was interrupted
                if kind == _wire.QUESTION:
                    self._conn.send(_wire.decision_frame("deny", 0, b"", False, seq))
        except (Gone, WireError):
            pass  # the end; without figures report says so

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
        self._conn.close()
        if self._follower is not None:
            self._follower.forget()

    def _check_fork(self) -> None:
        if isinstance(self._over, ForkedError):
            raise self._over.again()

    # Figures.

    @property
    def report(self) -> Report:
        """What happened and what it cost: live while the model is there, final after close.

        Asking a model that runs takes a message to and fro, also while another
        thread calls it. SupervisorLost, or InternalError, where there is none.
        """
        if self._report is not None:
            return self._report
        self._check_fork()
        if self._caller == threading.get_ident():
            if not self._deciding:
                raise BusyError(f"{self.name} is being called by this thread")
            return self._inquire(self._receive_figures_aside)
        with self._asking:
            if self._closed:
                if self._report is not None:
                    return self._report
                raise self._lost_report()
            return self._inquire(self._wait_for_figures)

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

    def __del__(self) -> None:
        # Nobody is left who could close it: the end of the conversation ends
        # the model, and the follower's thread with it.
        conn = self.__dict__.get("_conn")
        if conn is not None:
            conn.close()
