"""What a model prints, while it runs."""

from __future__ import annotations

import codecs
import logging
import os
import select
import threading
from typing import Any, Callable, Optional, Protocol, Union

from ._text import printable

log = logging.getLogger("hotcell")


class TextFile(Protocol):
    """Anything with a write method that takes text."""

    def write(self, text: str) -> Any: ...


Output = Union[Callable[[str], Any], TextFile]


class Follower:
    """Reads a model's stdout and stderr in a thread of its own and passes them on, as text.

    A callable gets the text as it came. What is written to a file has its
    control characters escaped: a file may be a terminal. The thread ends when
    the supervisor has closed both pipes.
    """

    def __init__(self, stdout: Optional[Output], stderr: Optional[Output], name: str) -> None:
        sinks = [None if output is None else Sink(output) for output in (stdout, stderr)]
        self._sinks: "dict[int, Sink]" = {}
        self.write_ends: "list[int]" = []
        for sink in sinks:
            if sink is None:
                self.write_ends.append(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC))
                continue
            r, w = os.pipe()
            self._sinks[r] = sink
            self.write_ends.append(w)
        self._thread = threading.Thread(target=self._run, name=f"hotcell-{name}", daemon=True)

    def start(self) -> None:
        """Begins to read; the write ends are the supervisor's by now."""
        self.drop_write_ends()
        self._thread.start()

    def drop_write_ends(self) -> None:
        while self.write_ends:
            os.close(self.write_ends.pop())

    def close(self) -> None:
        """Waits until all is passed on. Not from one of the callables: that would wait for itself."""
        self.drop_write_ends()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def forget(self) -> None:
        """In a forked child, which has no such thread: closes its copies."""
        self.drop_write_ends()
        for fd in self._sinks:
            try:
                os.close(fd)
            except OSError:
                pass

    def abandon(self, wait: bool) -> None:
        """Nothing was launched. If the thread runs, the supervisor closes the pipes; wait for the rest of the text then."""
        if not self._thread.is_alive():
            self.forget()
        elif wait:
            self.close()

    def _run(self) -> None:
        poll = select.poll()
        for fd in self._sinks:
            poll.register(fd, select.POLLIN)
        left = set(self._sinks)
        while left:
            for fd, _ in poll.poll():
                data = os.read(fd, 1 << 16)
                self._sinks[fd].take(data)
                if not data:
                    poll.unregister(fd)
                    left.remove(fd)
                    os.close(fd)


class Sink:
    """One stream's way to its callable or file."""

    def __init__(self, output: Output) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._give: Callable[[str], Any]
        if callable(output):
            self._give = output
        elif callable(getattr(output, "write", None)):
            write = output.write
            self._give = lambda text: write(printable(text))
        else:
            raise TypeError(f"stdout and stderr take a callable or a file, not a {type(output).__name__}")

    def take(self, data: bytes) -> None:
        """Passes text on; no data is the end. An error there is logged, and the model goes on."""
        text = self._decode(data, not data)
        if not text:
            return
        try:
            self._give(text)
        except Exception:
            log.exception("passing on what a model printed")
