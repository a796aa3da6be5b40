"""A model in its sandbox, as the host application holds it."""

from __future__ import annotations

import os
from threading import Lock, get_ident
from typing import TYPE_CHECKING, Any, Mapping, Optional

from . import _calls, _operations, _wire
from ._arrays import Staging
from ._calls import OutSpec
from ._conn import Conn, Gone
from ._conversation import Conversation
from ._follow import Follower
from ._functions import Function
from ._line import Line, Unusable
from ._options import Duration, nanoseconds
from ._report import Report
from ._results import Results
from ._wire import WireError
from .errors import BusyError, ClosedError, Error, ForkedError

if TYPE_CHECKING:
    from ._supervisor import Supervisor


# After so many equal calls further ones are expected, and a line is worth a
# message to and fro.
_STEADY = 2


class Model(Conversation):
    """A model that stays in its sandbox and keeps its state from call to call. Supervisor.launch makes it.

    It is called with inputs by name: arrays (anything that numpy makes one of, and
    buffers), None, bools, numbers, str, and lists and dicts of those; at most
    64 KiB besides the arrays. It takes one call at a time; different models may
    be called by different threads at once. Used as a context manager it is closed
    at the end.
    """

    def __init__(self, supervisor: "Supervisor", conn: Conn, follower: Optional[Follower], name: str,
                 on_operation: Optional[_operations.OnOperation], functions: "Mapping[str, Function]", out: OutSpec, results: str = "copy") -> None:
        super().__init__(supervisor, conn, follower, name, on_operation, functions)
        self._out = _calls.out_arrays(out)
        self._delivery = _calls.delivery(results)
        self._staging, self._results = Staging(), Results(results == "live")
        # Each sealed result has a region of its own, which only the supervisor makes.
        self._may_attach = self._may_attach and results != "sealed"
        self._asking = Lock()  # held by the one who waits for figures
        self._closing = Lock()

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
        axes are their number. Large arrays lie in shared memory, which nobody writes
        while one of them, or a view of one, is there, unless the launch wanted
        results="live"; they stay valid after the model is closed. 128 such results
        are kept at a time, later ones are copies.

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
            self._caller = get_ident()
            if self._over is not None:
                raise self._over.again()
            limit = nanoseconds("timeout", timeout) if timeout is not None else 0
            declared = self._out if out is None else _calls.out_arrays(out)
            plan = self._plan
            if plan is None or not plan.again(inputs, declared, limit):
                plan = self._plan = None
            elif plan.call is not None and self._line is not None and not self._known.forget:
                return self._call_over_line(self._line, plan, limit)
            with self._reading:
                return self._call(plan or _calls.Plan(self._staging, inputs, declared, limit, self._delivery))
        finally:
            self._caller = None
            self._calling.release()
            if self._wanted:
                self._moved.set()

    def _call_over_line(self, line: Line, plan: _calls.Plan, limit: int) -> Any:
        try:
            return line.call(plan, plan.call or plan.call_frame(), limit)
        except Unusable as e:
            unusable = e
        except (Error, ValueError):
            raise
        except BaseException:
            self._abandon()
            raise
        try:
            raise self._judged(unusable)
        except Gone:
            raise self._lost() from None
        except WireError as e:
            raise self._broken(e) from None

    def _call(self, plan: _calls.Plan) -> Any:
        try:
            payload, fds = plan.frame(self._known, self._results.release)
            self._plan = plan if plan.lasting else None
            self._conn.send(_wire.frame(_wire.REQUEST, payload, self._ask()), fds)
            kind, payload, fd = self._answer()
            if kind != _wire.REPLY:
                raise self._failed(kind, payload, fd)
            results = self._results.take(payload, fd)
            plan.uses += 1
            if plan.uses == _STEADY and self._may_attach and plan.plain:
                self._attach(plan)
            return results
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
        if self._caller == get_ident():
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
                if self._line is not None:
                    self._line.close()
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
                if kind == _wire.DELEGATE:
                    self._conn.send(_wire.delivered_frame(True, None, 0, seq))
                if kind == _wire.QUESTION:
                    self._conn.send(_wire.decision_frame("deny", 0, b"", False, seq))
        except (Gone, WireError):
            pass  # the end; without figures report says so

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
        if self._caller == get_ident():
            if not self._deciding:
                raise BusyError(f"{self.name} is being called by this thread")
            return self._inquire(self._receive_figures_aside)
        with self._asking:
            if self._closed:
                if self._report is not None:
                    return self._report
                raise self._lost_report()
            return self._inquire(self._wait_for_figures)

    def __del__(self) -> None:
        # Nobody is left who could close it: the end of the conversation ends
        # the model, and the follower's thread with it.
        conn = self.__dict__.get("_conn")
        if conn is not None:
            conn.forget()  # the collector may have come while this thread was sending
            if self._line is not None:
                self._line.close()
