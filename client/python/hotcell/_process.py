"""The supervisor's process: where its program is, how it starts and ends."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from typing import Optional

from ._conn import Conn
from ._options import Path
from .errors import SetupError

_STOP_SECONDS = 60.0


def find(binary: Optional[Path]) -> str:
    """The argument, then $HOTCELL, then the PATH."""
    for where, given in (("binary", binary), ("$HOTCELL", os.environ.get("HOTCELL"))):
        if given:
            path = shutil.which(os.fspath(given))
            if path is None:
                raise setup_error(f"{os.fspath(given)} ({where}) is no program that can be run")
            return os.path.abspath(path)
    path = shutil.which("hotcell")
    if path is None:
        raise setup_error("there is no hotcell on the PATH: install it, set $HOTCELL, or pass binary=")
    return os.path.abspath(path)


def start(binary: str) -> "tuple[subprocess.Popen[bytes], Conn, int]":
    """Starts a supervisor: the process, its socket, and a file that gets what it says."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    said = os.memfd_create("hotcell-said", os.MFD_CLOEXEC)
    try:
        with theirs:
            process = subprocess.Popen(
                [binary, "serve", "--client", str(theirs.fileno())], pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said,
                # Ctrl-C and Ctrl-Z at the terminal are this process's to judge.
                start_new_session=True,
            )
    except BaseException as e:
        ours.close()
        os.close(said)
        if isinstance(e, OSError):
            raise setup_error(f"{binary}: {e.strerror}") from None
        raise
    return process, Conn(ours), said


def end(conn: Conn, process: "subprocess.Popen[bytes]", said: int) -> None:
    """Ends a supervisor: the end of its conversation ends it, and all its models."""
    conn.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()  # the kernel ends its models then
        process.wait()
    os.close(said)


def setup_error(reason: str) -> SetupError:
    error = SetupError(reason)
    error.source = "supervisor"
    return error
