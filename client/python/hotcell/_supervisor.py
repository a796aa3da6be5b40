"""A private supervisor of this process, and what it is asked for."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import weakref
from typing import Any, Callable, Iterable, List, Mapping, Optional

from . import _arrays, _calls, _functions, _memory, _options, _process, _wire
from ._calls import OutSpec
from ._conn import Gone
from ._follow import Output
from ._functions import Function
from ._launch import Bound, Starting
from ._map import Map
from ._model import Model
from ._operations import OnOperation
from ._options import Duration, Path, Size
from ._source import ModelSource, Source
from ._text import printable
from ._wire import WireError
from .errors import ClosedError, Error, ForkedError, SupervisorLost

_START_SECONDS = 60.0

# Live ones, for a fork.
_all: "weakref.WeakSet[Supervisor]" = weakref.WeakSet()


class Supervisor:
    """A supervisor process of this process's own, with the rights of its user. hotcell.start makes it.

    It ends with close, with the end of the context, and with this process.
    Threads may share it. In a forked child it raises ForkedError.
    """

    def __init__(self, binary: Optional[Path] = None) -> None:
        self._models: "weakref.WeakSet[Model]" = weakref.WeakSet()
        self._over: Optional[Error] = None
        self._lock = threading.Lock()
        self._binary = _process.find(binary)
        self._process, self._conn, self._said = _process.start(self._binary)
        self._stop = weakref.finalize(self, _process.end, self._conn, self._process, self._said)
        self.version = ""
        """The supervisor's."""
        try:
            self._greet()
        except BaseException:
            self._process.kill()  # it has no model yet
            self._stop()
            raise
        _all.add(self)

    def _greet(self) -> None:
        self._conn.sock.settimeout(_START_SECONDS)
        try:
            self._conn.send(_wire.open_frame(f"python {sys.version_info[0]}.{sys.version_info[1]}"))
            kind, _, payload, fd = self._conn.receive()
            if kind != _wire.OPENED or fd is not None:
                raise WireError(f"message {kind} in place of a greeting")
            self.version = _wire.read_opened(payload).version
        except Gone as e:
            raise _process.setup_error(f"{self._binary} serves no client: {self._last_words(str(e))}") from None
        except WireError as e:
            raise _process.setup_error(f"{self._binary} is no hotcell of this client's version: it sent {e}") from None
        self._conn.sock.settimeout(None)

    def _last_words(self, else_: str) -> str:
        """How the supervisor ended, and what it said at last."""
        try:
            code = self._process.wait(1)
        except subprocess.TimeoutExpired:
            return else_
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        text = os.pread(self._said, 1 << 16, max(0, os.fstat(self._said).st_size - 4096)).decode("utf-8", "replace")
        return f"it ended with {how}" + (f": {printable(text.strip())}" if text.strip() else "")

    def __repr__(self) -> str:
        return f"<hotcell.Supervisor {self._process.pid}{' closed' if self._over else ''}>"

    def __enter__(self) -> "Supervisor":
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes all models and ends the supervisor. Arrays and results stay valid. A second close does nothing."""
        if isinstance(self._over, ForkedError):
            return
        for model in list(self._models):
            model.close()
        with self._lock:
            if self._over is None:
                self._over = ClosedError("the supervisor was closed by this process")
            self._stop()

    def array(self, x: Any, dtype: Any = None) -> Any:
        """A copy of x in shared memory of its own, in this process: an ndarray, without numpy a memoryview.

        x is anything that numpy makes an array of; its dtype is a number, bool,
        time, text or bytes of fixed width, or a structure of those (TypeError for
        another). The array is this process's to write at any time, also while
        models look at it; no model can write it. Passing all of it to a model, or
        at a launch a contiguous part, copies nothing. It holds a descriptor or two,
        until it and all its views are gone. It may outlive the supervisor.
        """
        return _arrays.array(x, dtype)

    def empty(self, shape: Any, dtype: Any = "f8") -> Any:
        """The same of this shape and dtype, all zero."""
        return _arrays.empty(shape, dtype)

    def launch(
        self,
        model: ModelSource,
        *,
        function: str = "model",
        memory: Optional[Size] = None,
        timeout: Optional[Duration] = None,
        cpu_time: Optional[Duration] = None,
        cpus: Optional[float] = None,
        threads: Optional[int] = None,
        recursion: Optional[int] = None,
        max_output: Optional[Size] = None,
        max_log: Optional[Size] = None,
        scratch: Optional[Size] = None,
        max_operations: Optional[int] = None,
        max_file: Optional[Size] = None,
        modules: Iterable[str] = (),
        read: Iterable[Path] = (),
        write: Iterable[Path] = (),
        policy: Optional[Path] = None,
        env: Mapping[str, str] = {},
        seed: Optional[int] = None,
        interpreter: Optional[Path] = None,
        inputs: Mapping[str, Any] = {},
        out: OutSpec = {},
        results: str = "copy",
        functions: Mapping[str, Function] = {},
        on_operation: Optional[OnOperation] = None,
        stdout: Optional[Output] = None,
        stderr: Optional[Output] = None,
        name: Optional[str] = None,
        _begun: "Optional[Callable[[Model], None]]" = None,
    ) -> Model:
        """Starts a model in a sandbox of its own and waits until its statements have run.

        model is a .py file, a directory with __main__.py or model.py, or source
        text (more than one line, or with a def). A call calls its function.

        Limits are those of "hotcell run", None the policy's: sizes in bytes or as
        "256M", times in seconds or as "500ms"; timeout (wall) and cpu_time bound
        each call, the launch with the first; memory, max_log (bytes printed) and
        max_operations (refused ones) the model's life; max_output the arrays that a
        call gives back. scratch is a private /tmp. modules adds to what the model may
        import; read and write grant files, or directories with all below them;
        policy is a policy file, or its text (more than one line, or with a =). env is the model's whole environment. seed (0 to
        2**64-1) makes its random numbers repeat.

        inputs are bound: every call gets them, beside its own. A contiguous part of
        an array that array or empty made is granted exactly and without a copy: the
        model can read no byte around it. out are arrays that every call declares,
        unless it has its own (see Model.call).

        results says how arrays become this process's: "copy", once, into memory that
        is kept; "sealed", where the model wrote them, which the kernel then refuses it
        to write, at the price of fresh memory for each call; or "live", in place and
        without any of that: a hostile model may change the numbers at any time, and
        the next call does.

        functions are this process's, which the model calls as hotcell.NAME: with
        numbers, texts, None and arrays, which come as copies, and gets one of those
        back, an array of 16 MiB or a text of 1 MiB at most. They run in the thread
        that launches or calls the model, one at a time, and have 10 seconds; the
        model's clock runs on. Of an error the model learns only that there was one,
        and it is logged. They cannot call the model that calls them, and while
        nobody calls it they fail. A rule of the policy may refuse a call.

        on_operation(operation) decides what no rule of the policy does: it returns
        a Decision, its effect as a str, True or False. It runs in the thread that
        launches or calls the model, which stands still meanwhile, for a minute at
        most; an error there denies, and is logged.

        stdout and stderr follow what the model prints: a callable gets text in
        pieces, a file's write the same with control characters escaped; in a
        thread of the client's. Without them the report has the beginning.

        name is how tracebacks and errors call the model; the file's by default.

        Raises SetupError, or what the model's own statements came to (ModelError,
        TimeLimit ...); TypeError or ValueError for an argument that is none.
        """
        limits = {
            "memory": memory, "timeout": timeout, "cpu_time": cpu_time, "cpus": cpus, "threads": threads, "recursion": recursion,
            "max_output": max_output, "max_log": max_log, "scratch": scratch, "max_operations": max_operations, "max_file": max_file,
        }
        source = model if isinstance(model, Source) else Source(model, name)
        if seed is not None and not 0 <= seed < 1 << 64:
            raise ValueError(f"seed={seed}: from 0 to 2**64-1")
        text: Optional[_memory.Shared] = None
        if policy is not None and _options.is_policy_text(policy):
            content = str(policy).encode("utf-8", "surrogateescape")
            text = _memory.Shared(_memory.frozen(content, "policy.toml"), len(content))
            policy = f"/proc/{os.getpid()}/fd/{text.fd}"
        bound, offered = Bound(inputs), _functions.checked(functions)
        message = _wire.Launch(
            function, _options.interpreter(interpreter),
            _options.options(limits, modules, read, write, policy, on_operation is not None),
            _options.environment(env), seed, source.files, bound.args, bound.regions,
            stdout is not None or stderr is not None, on_operation is not None, tuple(offered),
        )
        frame = _wire.launch_frame(message)
        _calls.check_size(frame, bound.fds, spare=4)
        starting = Starting(self, on_operation, offered, out, results, stdout, stderr, name or source.name)
        if text is not None:
            starting.model._policy_text = str(policy)
        if _begun is not None:
            _begun(starting.model)  # from now on it can be cancelled
        try:
            return starting.launch(frame, source.shared.fd, bound)
        finally:
            del text  # the supervisor has read it

    def run(self, model: ModelSource, options: Optional[Mapping[str, Any]] = None, /, **inputs: Any) -> Any:
        """Launches a model, calls it once with the inputs, closes it, and gives what it returned (see Model.call).

        options are launch's keyword arguments, but inputs. An error's report says
        what the run cost.
        """
        return self._run(model, inputs, dict(options or {}))

    def _run(self, model: ModelSource, inputs: Mapping[str, Any], options: "dict[str, Any]",
             begun: "Optional[Callable[[Model], None]]" = None) -> Any:
        m = self.launch(model, inputs=inputs, **options, _begun=begun)
        try:
            try:
                return m.call()
            finally:
                m.close()
        except Error as e:
            e.report = m._report
            raise

    def map(self, model: ModelSource, inputs: "Iterable[Mapping[str, Any]]", *, concurrency: int = 8,
            return_exceptions: bool = False, **options: Any) -> "List[Any]":
        """Runs a model once for each mapping of inputs, each in a fresh sandbox, and gives the results in their order.

        At most concurrency sandboxes are there at a time. options are launch's. The
        first error is raised, and what has not ended by then is cancelled; with
        return_exceptions errors stand in the places of results. An argument that is
        none is raised either way.
        """
        if concurrency < 1:
            raise ValueError(f"concurrency={concurrency}: 1 or more")
        source: Any = Source(model, options.pop("name", None))
        return Map(self, source, options, return_exceptions).run(list(inputs), concurrency)

    def _lost_by(self, name: str) -> Error:
        """The conversation about a model ended by itself."""
        if self._over is not None:
            return self._over.again()
        return SupervisorLost(f"{name} is lost with its supervisor: {self._last_words('it ended the conversation')}")

    def _forked(self) -> None:
        self._over = ForkedError("this process was forked from the one that started the supervisor: start one here")
        self._stop.detach()
        self._conn.forget()
        os.close(self._said)
        self._process.returncode = 0  # not this process's child
        for model in list(self._models):
            model._forked()


def _after_fork() -> None:
    for supervisor in list(_all):
        supervisor._forked()


os.register_at_fork(after_in_child=_after_fork)
