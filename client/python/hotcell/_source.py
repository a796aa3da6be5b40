"""A model's source: text, a file, or a directory with the modules that it may import."""

from __future__ import annotations

import os
import stat
from typing import NoReturn, Optional, Tuple, Union

from . import _memory
from ._text import printable
from ._wire import File
from .errors import SetupError

MAX_SOURCE = 16 << 20
MAX_FILES = 500

_MAIN = ("__main__.py", "model.py")

ModelSource = Union[str, "os.PathLike[str]"]


class Source:
    """A model's files, back to back in a memory file that may be sent any number of times."""

    def __init__(self, model: ModelSource, name: Optional[str] = None) -> None:
        self._files: "list[Tuple[str, str, bool, bytes]]" = []
        self._size = 0
        if is_text(model):
            assert isinstance(model, str)
            self._add("", name or "model.py", False, model.encode("utf-8", "surrogateescape"))
        else:
            self._read(os.fspath(model), name)
        self.name = self._files[0][1]
        self.files, at = [], 0
        for module, path, package, source in self._files:
            self.files.append(File(module, path, package, at, len(source)))
            at += len(source)
        self.shared = _memory.Shared(_memory.frozen(b"".join(f[3] for f in self._files), "hotcell-source"), at)
        self._files.clear()

    def _read(self, path: str, name: Optional[str]) -> None:
        try:
            mode = os.stat(path).st_mode
        except (OSError, ValueError) as e:
            _refuse(f"{path}: {getattr(e, 'strerror', None) or e}; name a .py file, or a directory with {' or '.join(_MAIN)}, "
                    "or give source text, which has more than one line or a def")
        if stat.S_ISDIR(mode):
            self._read_directory(path, name)
        elif not stat.S_ISREG(mode) or not path.endswith(".py"):
            _refuse(f"{path}: a model is a .py file, or a directory with {' or '.join(_MAIN)}")
        else:
            # The base name: tracebacks need not tell the model where it lies.
            self._add("", name or printable(os.path.basename(path), lines=False), False, _content(path))

    def _read_directory(self, folder: str, name: Optional[str]) -> None:
        main = next((m for m in _MAIN if os.path.isfile(os.path.join(folder, m))), None)
        if main is None:
            _refuse(f"{folder}: the directory has neither {' nor '.join(_MAIN)}")
        self._add("", name or main, False, _content(os.path.join(folder, main)))
        for path, below, files in os.walk(folder, onerror=_raise):
            below[:] = sorted(d for d in below if _is_identifier(d))
            for file in sorted(files):
                full = os.path.join(path, file)
                relative = os.path.relpath(full, folder)
                module, package = _module(relative)
                # Links are not followed: what they name lies elsewhere.
                if relative == main or module is None or not stat.S_ISREG(os.lstat(full).st_mode):
                    continue
                self._add(module, relative, package, _content(full))

    def _add(self, module: str, path: str, package: bool, source: bytes) -> None:
        self._size += len(source)
        if self._size > MAX_SOURCE or len(self._files) == MAX_FILES:
            _refuse(f"{path}: more than {MAX_SOURCE} bytes or {MAX_FILES} files of Python; is this the model's? Pass data as an input")
        self._files.append((module, path, package, source))


def is_text(model: ModelSource) -> bool:
    """Tells source text from a path: text has more than one line, or a def. A Path is always a path."""
    if not isinstance(model, (str, os.PathLike)):
        raise TypeError(f"a model is source text or a path, not a {type(model).__name__}")
    return isinstance(model, str) and ("\n" in model or "def " in model and not model.endswith(".py"))


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as f:
            return f.read(MAX_SOURCE + 1)
    except OSError as e:
        _raise(e)


def _module(relative: str) -> Tuple[Optional[str], bool]:
    """The import name of a file, and whether it is a package; None if it has none."""
    stem, extension = os.path.splitext(relative)
    parts = stem.split(os.sep)
    package = parts[-1] == "__init__" and len(parts) > 1
    if package:
        parts.pop()
    if extension != ".py" or not all(map(_is_identifier, parts)):
        return None, False
    return ".".join(parts), package


def _is_identifier(name: str) -> bool:
    return name.isascii() and name.isidentifier()


def _raise(e: OSError) -> NoReturn:
    _refuse(f"{e.filename}: {e.strerror}")


def _refuse(reason: str) -> NoReturn:
    error = SetupError(reason)
    error.source = "supervisor"
    raise error
