"""Shared memory: sealed memory files, and their mappings in this process.

A file that is shared can neither shrink, which would raise SIGBUS in whoever
maps it, nor grow, and nobody can begin to write it: what may write is, at most,
a mapping of before.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import mmap
import os
import sys
from typing import Any, NoReturn, Optional

from ._wire import WireError

_F_ADD_SEALS, _F_GET_SEALS = 1033, 1034
_SEAL, _SHRINK, _GROW, _WRITE, _FUTURE_WRITE = 1, 2, 4, 8, 16
_MFD_NOEXEC_SEAL = 8

_numbers = itertools.count(1)


class Shared:
    """A memory file of this process that may be passed to the supervisor. It owns the descriptor fd.

    number is its name on the wire, different for each of this process; size is in bytes.
    """

    __slots__ = ("__weakref__", "fd", "number", "size")

    def __init__(self, fd: int, size: int) -> None:
        self.fd, self.size, self.number = fd, size, next(_numbers)

    def __del__(self) -> None:
        try:
            os.close(self.fd)
        except OSError:
            pass


class Memory(mmap.mmap):
    """A mapping. It ends with the last array on it, and not before."""

    shared: Optional[Shared] = None
    """Whose memory it is, if this process made it."""

    address: int = 0
    """Of its first byte; 0 without numpy."""

    def close(self) -> NoReturn:
        raise BufferError("arrays lie in this memory: it goes with the last of them")

    def resize(self, newsize: int) -> NoReturn:
        raise BufferError("arrays lie in this memory")

    def __exit__(self, *args: object) -> None:
        pass


def create(size: int) -> Memory:
    """Memory of so many bytes (1 or more), all zero, that this process alone writes and that may be passed on."""
    fd = _memfd("hotcell-array")
    try:
        os.ftruncate(fd, size)
        _seal(fd, _SHRINK | _GROW)
        memory = _map(fd, size, mmap.PROT_READ | mmap.PROT_WRITE)
        # The mapping goes on writing; no other can be made.
        _seal(fd, _FUTURE_WRITE | _SEAL)
    except BaseException:
        os.close(fd)
        raise
    memory.shared = Shared(fd, size)
    return memory


def frozen(data: bytes, name: str) -> int:
    """The descriptor of a memory file with this content, which nobody can change any more."""
    fd = _memfd(name)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        _seal(fd, _SHRINK | _GROW | _WRITE | _SEAL)
    except BaseException:
        os.close(fd)
        raise
    return fd


def adopt(fd: int, size: int) -> Memory:
    """Maps memory of the supervisor's, to read. It leaves fd to the caller. WireError if it is not as a reply's must be."""
    check_sealed(fd, size)
    try:
        return _map(fd, size, mmap.PROT_READ)
    except (OSError, ValueError, OverflowError) as e:
        raise WireError(f"memory that cannot be mapped: {e}") from None


def adopt_output(fd: int, size: int) -> Memory:
    """Maps, to read, memory that a sandbox writes. WireError if it could shrink: reading it would raise SIGBUS."""
    try:
        seals = fcntl.fcntl(fd, _F_GET_SEALS)
        if not (seals & _SHRINK and 0 < size == os.fstat(fd).st_size):
            raise WireError(f"output memory that is not sealed (seals {seals:#x}), or not of {size} bytes")
        return _map(fd, size, mmap.PROT_READ)
    except (OSError, ValueError, OverflowError) as e:
        raise WireError(f"output memory that cannot be mapped: {e}") from None


def check_sealed(fd: int, size: int) -> None:
    """Wants a memory file of this size that cannot change it, and that nobody can begin to write."""
    try:
        # Pipes, sockets and files of other kinds have no seals.
        seals = fcntl.fcntl(fd, _F_GET_SEALS)
    except OSError:
        raise WireError("a descriptor that is no memory file") from None
    if not (seals & _SHRINK and seals & _GROW and seals & (_WRITE | _FUTURE_WRITE)):
        raise WireError(f"memory that is not sealed (seals {seals:#x})")
    if not 0 < size == os.fstat(fd).st_size:
        raise WireError(f"memory of {os.fstat(fd).st_size} bytes in place of {size}")


def read(fd: int, size: int) -> bytes:
    """The whole of a sealed memory file."""
    check_sealed(fd, size)
    parts, at = [], 0
    while at < size:
        part = os.pread(fd, size - at, at)
        if not part:
            raise WireError("memory that ends early")
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def _map(fd: int, size: int, protection: int) -> Memory:
    options: "dict[str, Any]" = {"flags": mmap.MAP_SHARED, "prot": protection}
    if sys.version_info >= (3, 13):
        options["trackfd"] = False  # or each mapping holds a descriptor more
    return Memory(fd, size, **options)


def _memfd(name: str) -> int:
    # Never executable: a sandbox could be brought to run it. Kernels before
    # 6.3 do not know the flag.
    try:
        return os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING | _MFD_NOEXEC_SEAL)
    except OSError as e:
        if e.errno != errno.EINVAL:
            raise
        return os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)


def _seal(fd: int, seals: int) -> None:
    fcntl.fcntl(fd, _F_ADD_SEALS, seals)


_empty: Optional[Shared] = None


def empty() -> Shared:
    """The memory of all arrays without elements."""
    global _empty
    if _empty is None:
        fd = _memfd("hotcell-empty")
        _seal(fd, _SHRINK | _GROW | _WRITE | _SEAL)
        _empty = Shared(fd, 0)
    return _empty
