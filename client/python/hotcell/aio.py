"""The same for asyncio: calls are awaited, and the end of an awaiting task ends the model.

    async with hotcell.aio.start() as hc:
        async with hc.launch("model.py", memory="256M") as m:
            signal = await m(window=20)

Each call waits in a thread of its own, so that the event loop never does.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
from typing import Any, Awaitable, Callable, Generator, Generic, Iterable, List, Mapping, Optional, TypeVar

from . import _model, _supervisor
from ._calls import OutSpec
from ._options import Duration, Path
from ._report import Report
from ._source import ModelSource, Source
from .errors import Error

T = TypeVar("T", bound="_Closing")

_MAX_THREADS = 1024  # started as they are needed


class _Closing:
    async def close(self) -> None:
        raise NotImplementedError

    async def __aenter__(self: T) -> T:
        return self

    async def __aexit__(self, *args: object) -> None:
        await self.close()


class Starting(Generic[T]):
    """Something that is being started: await it, or use it as an async context manager, which closes it."""

    def __init__(self, make: Callable[[], Awaitable[T]]) -> None:
        self._make = make
        self._made: Optional[T] = None

    def __await__(self) -> Generator[Any, None, T]:
        return self._make().__await__()

    async def __aenter__(self) -> T:
        self._made = await self._make()
        return self._made

    async def __aexit__(self, *args: object) -> None:
        if self._made is not None:
            await self._made.close()


def start(binary: Optional[Path] = None) -> "Starting[Supervisor]":
    """Starts a private supervisor, as hotcell.start does."""

    async def make() -> Supervisor:
        threads = concurrent.futures.ThreadPoolExecutor(_MAX_THREADS, "hotcell-aio")
        cancelled: "List[bool]" = []

        def begin() -> _supervisor.Supervisor:
            hc = _supervisor.Supervisor(binary)
            if cancelled:
                hc.close()
            return hc

        try:
            return Supervisor(await _in_thread(threads, begin, lambda: cancelled.append(True)), threads)
        except BaseException:
            threads.shutdown(wait=False)
            raise

    return Starting(make)


async def _in_thread(threads: concurrent.futures.ThreadPoolExecutor, work: Callable[[], Any], cancel: Callable[[], Any]) -> Any:
    """Waits for work in a thread. If the task is cancelled meanwhile, so is the work, and its end is waited for."""
    try:
        future = asyncio.get_running_loop().run_in_executor(threads, work)
    except RuntimeError:
        return work()  # the supervisor was closed: nothing waits any more
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        cancel()
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError:
                pass  # the work is being ended already
        if not future.cancelled():
            future.exception()  # what it came to is nobody's any more
        raise


class Supervisor(_Closing):
    """A supervisor process of this process's own; see hotcell.Supervisor, whose methods it has."""

    def __init__(self, sync: _supervisor.Supervisor, threads: concurrent.futures.ThreadPoolExecutor) -> None:
        self._sync, self._threads = sync, threads

    @property
    def version(self) -> str:
        """The supervisor's."""
        return self._sync.version

    def array(self, x: Any, dtype: Any = None) -> Any:
        """An array in shared memory; the copy is made at once."""
        return self._sync.array(x, dtype)

    def empty(self, shape: Any, dtype: Any = "f8") -> Any:
        """The same of a shape and dtype, all zero."""
        return self._sync.empty(shape, dtype)

    def launch(self, model: ModelSource, **options: Any) -> "Starting[Model]":
        """Starts a model: await it, or use it in async with. Arguments are those of hotcell.Supervisor.launch.

        on_operation and functions may be coroutine functions. Callables run in threads of the
        client's, coroutines in this event loop.
        """

        async def make() -> Model:
            ending = _Ending()
            options_ = self._callbacks(options)
            m = await _in_thread(self._threads, lambda: ending.unless(lambda: self._sync.launch(model, **options_, _begun=ending.begun)), ending.cancel)
            return Model(m, self._threads)

        return Starting(make)

    async def run(self, model: ModelSource, options: Optional[Mapping[str, Any]] = None, /, **inputs: Any) -> Any:
        """Launches a model, calls it once with the inputs, closes it, and gives what it returned."""
        return await self._run(model, inputs, dict(options or {}))

    async def _run(self, model: Any, inputs: Mapping[str, Any], options: "dict[str, Any]") -> Any:
        ending = _Ending()
        options = self._callbacks(options)
        work = lambda: ending.unless(lambda: self._sync._run(model, inputs, options, ending.begun))  # noqa: E731
        return await _in_thread(self._threads, work, ending.cancel)

    async def map(self, model: ModelSource, inputs: "Iterable[Mapping[str, Any]]", *, concurrency: int = 8,
                  return_exceptions: bool = False, **options: Any) -> "List[Any]":
        """Runs a model once for each mapping of inputs; see hotcell.Supervisor.map."""
        if concurrency < 1:
            raise ValueError(f"concurrency={concurrency}: 1 or more")
        source = Source(model, options.pop("name", None))
        places = asyncio.Semaphore(concurrency)

        async def one(i: Mapping[str, Any]) -> Any:
            async with places:
                try:
                    return await self._run(source, i, options)
                except Error as e:
                    if not return_exceptions:
                        raise
                    return e

        tasks = [asyncio.ensure_future(one(i)) for i in inputs]
        try:
            return list(await asyncio.gather(*tasks))
        except BaseException:
            for t in tasks:
                t.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def close(self) -> None:
        """Closes all models and ends the supervisor."""
        await _in_thread(self._threads, self._sync.close, lambda: None)
        self._threads.shutdown(wait=False)

    def _callbacks(self, options: Mapping[str, Any]) -> "dict[str, Any]":
        """The options, with coroutine functions made functions that wait for them."""
        loop = asyncio.get_running_loop()

        def waiting(function: Any) -> Any:
            if not inspect.iscoroutinefunction(function):
                return function
            return lambda *args, **kwargs: asyncio.run_coroutine_threadsafe(function(*args, **kwargs), loop).result()

        options = dict(options)
        if "on_operation" in options:
            options["on_operation"] = waiting(options["on_operation"])
        if "functions" in options:
            options["functions"] = {name: waiting(f) for name, f in dict(options["functions"]).items()}
        return options


class _Ending:
    """Ends what a thread is at, from the event loop: a launch, and what follows it."""

    def __init__(self) -> None:
        self._model: Optional[_model.Model] = None
        self._ended = False

    def begun(self, m: _model.Model) -> None:
        self._model = m
        if self._ended:
            m.cancel()

    def cancel(self) -> None:
        self._ended = True
        if self._model is not None:
            self._model.cancel()

    def unless(self, work: Callable[[], Any]) -> Any:
        """Does the work, unless it was cancelled while it waited for a thread. A launch that was too quick is closed."""
        if self._ended:
            return None
        made = work()
        if self._ended and isinstance(made, _model.Model):
            made.close()
        return made


class Model(_Closing):
    """A model that stays in its sandbox; see hotcell.Model."""

    def __init__(self, sync: _model.Model, threads: concurrent.futures.ThreadPoolExecutor) -> None:
        self._sync, self._threads, self.name = sync, threads, sync.name

    def __repr__(self) -> str:
        return repr(self._sync).replace("hotcell.Model", "hotcell.aio.Model")

    async def __call__(self, /, *, timeout: Optional[Duration] = None, out: Optional[OutSpec] = None, **inputs: Any) -> Any:
        """Calls the model; see hotcell.Model.call."""
        return await self.call(inputs, timeout=timeout, out=out)

    async def call(self, inputs: Mapping[str, Any] = {}, *, timeout: Optional[Duration] = None, out: Optional[OutSpec] = None) -> Any:
        """Calls the model with inputs by name. If this task is cancelled the model ends."""
        work = lambda: self._sync.call(inputs, timeout=timeout, out=out)  # noqa: E731
        return await _in_thread(self._threads, work, self._sync.cancel)

    def cancel(self) -> None:
        """Ends the model, whatever it is doing."""
        self._sync.cancel()

    async def report(self) -> Report:
        """What happened and what it cost: live while the model is there, final after close."""
        report: Report = await _in_thread(self._threads, lambda: self._sync.report, lambda: None)
        return report

    async def close(self) -> None:
        """Ends the model and gives up what it held."""
        await _in_thread(self._threads, self._sync.close, lambda: None)
