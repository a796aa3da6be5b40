"""Does once what each launch does, so that the launch finds its memory ready.

A fork shares its template's pages until it writes to them, and each first
write is a page fault that copies one: more time than all the rest of a launch.
So a sandbox of the pool runs a model of ours through the whole of a launch and
a call before it locks itself down, and then knows nothing of it any more. The
template does the same before it forks, for what is made once and kept.
"""

import array
import gc
import linecache
import os
import random
import sys

import _socket
from _hotcell import kernel, model, space, wire

# What models mostly do: numpy if it is there, and an array out. More would make
# more memory each sandbox's own.
SOURCE = b"""
try:
    import numpy as np
except ImportError:
    np = None


def model(n=3):
    if np is None:
        return {"n": n}
    a = np.arange(8.0) + n
    return {"a": a, "n": int(a.sum())}
"""
PATH = "<warm>"
OUTPUT = 1 << 16
PROCESSORS = ("cpu_count", "process_cpu_count", "sched_getaffinity")

# Made once, in the template.
frames = []


def up_sandbox(libraries, fork, fds):
    """In a sandbox, and the rest of what a launch need not do then: it has numbers of its own."""
    from _hotcell import sandbox

    up(libraries, fork.grants)
    sandbox.seeded = True
    if fork.output:
        granted = space.Space(fork.grants)
        sandbox.ahead[:] = sandbox.map_output(granted, fork.output, [fds.pop(4)]), granted
    seed = os.urandom(32)
    random.seed(int.from_bytes(seed, "little"))
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(list(seed))


def up_template(libraries):
    """In a template, for all that comes from it."""
    from _hotcell import sandbox  # which imports this module

    up(libraries)
    sandbox.neutral = True


def up(libraries, grants=1 << 36):
    """One launch and two calls, over a conversation with ourselves; the output is mapped at grants."""
    from _hotcell import sandbox

    kept = _State()
    try:
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        conn = wire.Conn(ours.detach())
        _ask(theirs)
        try:
            sandbox.serve(conn, None, _Fork(grants), libraries)
        except EOFError:
            pass
        _check(theirs)
        conn.sock.close()
        theirs.close()
    finally:
        kept.restore()
    # The model and what it was run by hold one another, and the mapping of the
    # output, whose addresses the launch will use.
    conn = None
    gc.collect()
    kernel.unmap(grants, OUTPUT)
    if not kept.collecting:
        gc.disable()


class _Fork:
    def __init__(self, grants):
        self.grants = grants


def _ask(sock):
    """Sends what a supervisor would, and then no more."""
    if not frames:
        frames[:] = _load_frame(), _call_frame()
    fds = array.array("i", [_memory(OUTPUT)])
    sock.sendmsg([frames[0]], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, fds.tobytes())])
    for fd in fds:
        os.close(fd)
    for _ in range(2):
        sock.send(frames[1])
    sock.shutdown(_socket.SHUT_WR)


def _check(sock):
    """What was answered: nothing that a launch would not be."""
    for kind in (wire.LOADED, wire.RESULT, wire.RESULT):
        got, _, _ = wire.HEADER.unpack_from(sock.recv(wire.MAX_FRAME))
        if got != kind:
            raise RuntimeError(f"message {got}, want {kind}")


def _memory(size):
    """A region as the supervisor passes one."""
    fd = os.memfd_create("warm", os.MFD_CLOEXEC)
    os.ftruncate(fd, size)
    return fd


def _load_frame():
    e = wire.Encoder()
    e.text("model")
    e.text("numpy")
    e.u32(sys.getrecursionlimit())
    e.bytes(bytes(32))
    e.u8(False)
    e.u32(1)
    e.texts([])
    e.u32(1)
    e.text("")
    e.text(PATH)
    e.u8(False)
    e.u64(0)
    e.u64(len(SOURCE))
    e.args([("n", 5)])
    e.u32(0)  # regions
    e.u64(OUTPUT)
    e.texts([])
    e.u64(0)
    e.bytes(SOURCE)
    e.u8(False)
    return e.frame(wire.LOAD)


def _call_frame():
    e = wire.Encoder()
    e.args([])
    e.u32(0)
    e.u32(0)
    e.args([])
    return e.frame(wire.CALL)


class _State:
    """What a launch takes as it finds it. What it replaces anyway is left replaced: freeing that touches memory too."""

    def __init__(self):
        self.meta_path, self.collecting = sys.meta_path[:], gc.isenabled()
        # threads.fit puts others in their place, which ask these.
        self.processors = [(name, getattr(os, name)) for name in PROCESSORS if hasattr(os, name)]

    def restore(self):
        sys.meta_path[:] = self.meta_path
        for name, function in self.processors:
            setattr(os, name, function)
        for name in ("model", "hotcell"):
            sys.modules.pop(name, None)
        linecache.cache.pop(PATH, None)
        model.own_files.discard(PATH)
        wire._refs.clear()
        wire._names.clear()
