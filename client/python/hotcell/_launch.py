"""One launch: what it binds, and how it is told to the supervisor."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Mapping, Optional

from . import _arrays, _calls
from ._arrays import Place
from ._calls import OutSpec
from ._conn import Conn, Gone
from ._follow import Follower, Output
from ._functions import Function
from ._model import Model
from ._operations import OnOperation
from ._wire import Region
from .errors import Error

if TYPE_CHECKING:
    from ._supervisor import Supervisor


class Bound:
    """Inputs of a launch, encoded. It holds what they lie in until the model has it."""

    def __init__(self, inputs: Mapping[str, Any]) -> None:
        self.args: "list[tuple[str, Any]]" = []
        self.regions: "list[Region]" = []
        self.fds: "list[int]" = []
        self.places: "list[Place]" = []
        for name, v in inputs.items():
            if not isinstance(name, str):
                raise TypeError("the names of inputs are str")
            if _arrays.is_array(v):
                place = _arrays.copied(_calls.as_array(name, v))
                passed = place.shared.number not in {p.shared.number for p in self.places}
                if passed:
                    self.fds.append(place.shared.fd)
                self.regions.append(Region(place.shared.number, place.shared.size, passed))
                self.places.append(place)
                v = place.ref
            else:
                _calls.check_value(name, v)
            self.args.append((name, v))


class Starting:
    """A launch under way."""

    def __init__(self, supervisor: "Supervisor", on_operation: Optional[OnOperation], functions: "Mapping[str, Function]", out: OutSpec, results: str,
                 stdout: Optional[Output], stderr: Optional[Output], name: str) -> None:
        self._supervisor = supervisor
        ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        conn = Conn(ours)
        self._follower: Optional[Follower] = None
        try:
            if stdout is not None or stderr is not None:
                self._follower = Follower(stdout, stderr, name)
            self.model = Model(supervisor, conn, self._follower, name, on_operation, functions, out, results)
        except BaseException:
            self._drop()
            conn.close()
            raise

    def launch(self, frame: bytes, source: int, bound: Bound) -> Model:
        model, s = self.model, self._supervisor
        fds = [self._theirs.fileno(), source, *(self._follower.write_ends if self._follower else ()), *bound.fds]
        try:
            with s._lock:
                if s._over is not None:
                    raise s._over.again()
                s._models.add(model)
                try:
                    s._conn.send(frame, fds)
                except Gone:
                    raise s._lost_by(model.name) from None
            self._theirs.close()
            if self._follower is not None:
                self._follower.start()
            for place in bound.places:
                if not model._known.has(place.shared):
                    model._known.learn(place.shared)
            model._launched()
            return model
        except BaseException as e:
            s._models.discard(model)
            if isinstance(e, Error) and e.verdict is not None:
                model.close()
                e.report = model._report  # what it cost; None if that was lost too
            model._conn.close()
            self._drop(wait=isinstance(e, Error))
            raise

    def _drop(self, wait: bool = False) -> None:
        self._theirs.close()
        if self._follower is not None:
            self._follower.abandon(wait)
