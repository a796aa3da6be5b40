"""Many models side by side, one for each of many inputs."""

from __future__ import annotations

import concurrent.futures
import threading
from typing import TYPE_CHECKING, Any, List, Mapping, Sequence

from ._model import Model
from .errors import Cancelled, Error

if TYPE_CHECKING:
    from ._supervisor import Supervisor


class Map:
    """One map under way."""

    def __init__(self, supervisor: "Supervisor", source: Any, options: "dict[str, Any]", return_exceptions: bool) -> None:
        self._supervisor, self._source, self._options = supervisor, source, options
        self._return_exceptions = return_exceptions
        self._lock = threading.Lock()
        self._live: "set[Model]" = set()
        self._stopped = False

    def run(self, inputs: "List[Mapping[str, Any]]", concurrency: int) -> "List[Any]":
        with concurrent.futures.ThreadPoolExecutor(min(concurrency, max(1, len(inputs))), "hotcell-map") as pool:
            futures = [pool.submit(self._one, i) for i in inputs]
            try:
                done, _ = concurrent.futures.wait(futures, return_when=concurrent.futures.FIRST_EXCEPTION)
                for f in futures:
                    if f in done:
                        f.result()  # raises the first error
                return [f.result() for f in futures]
            except BaseException:
                self._stop(futures)
                raise

    def _one(self, inputs: Mapping[str, Any]) -> Any:
        models: "list[Model]" = []

        def begun(m: Model) -> None:
            with self._lock:
                models.append(m)
                self._live.add(m)
                if self._stopped:
                    m.cancel()

        try:
            if self._stopped:
                raise Cancelled("another one ended in an error")
            return self._supervisor._run(self._source, inputs, self._options, begun)
        except Error as e:
            if not self._return_exceptions:
                raise
            return e
        finally:
            with self._lock:
                self._live.difference_update(models)

    def _stop(self, futures: "Sequence[concurrent.futures.Future[Any]]") -> None:
        with self._lock:
            self._stopped = True
            for f in futures:
                f.cancel()
            for m in self._live:
                m.cancel()
