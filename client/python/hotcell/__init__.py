"""Hotcell's client: numeric Python models that you do not trust, each in a sandbox of its own, on arrays that they share.

    import hotcell

    with hotcell.start() as hc:
        prices = hc.array(load_prices())
        with hc.launch("model.py", memory="256M", timeout=2.0, inputs={"history": prices[100:200]}) as m:
            signal = m(window=20)
            print(m.report.usage.memory_peak_bytes)

The module starts a supervisor, the program hotcell, for this process and speaks
with it over a socket; arrays lie in memory that both share. hotcell.aio is the
same for asyncio. numpy is used where it is installed; without it arrays are
memoryviews.
"""

from __future__ import annotations

from typing import Optional

from ._model import Model
from ._operations import Decision, Operation
from ._options import Path
from ._report import Report
from ._supervisor import Supervisor
from .errors import (
    BusyError, Cancelled, ClosedError, Crash, Error, ForkedError, InternalError, InvalidResult, MemoryLimit, ModelError,
    OperationLimit, OutputLimit, PolicyViolation, RecursionLimit, SetupError, SupervisorLost, ThreadLimit, TimeLimit,
)

__version__ = "0.1.0"

__all__ = [
    "BusyError", "Cancelled", "ClosedError", "Crash", "Decision", "Error", "ForkedError", "InternalError", "InvalidResult",
    "MemoryLimit", "Model", "ModelError", "Operation", "OperationLimit", "OutputLimit", "PolicyViolation", "RecursionLimit",
    "Report", "SetupError", "Supervisor", "SupervisorLost", "ThreadLimit", "TimeLimit", "start",
]


def start(binary: Optional[Path] = None) -> Supervisor:
    """Starts a private supervisor for this process; a context manager.

    The program is binary, else $HOTCELL, else hotcell on the PATH. SetupError says
    what is missing: the program, or what the host lacks to hold a model.
    """
    return Supervisor(binary)
