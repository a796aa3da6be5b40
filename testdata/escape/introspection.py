# run: --max-operations 200
# exit: 0
# stdout: (?m)^the shim's modules: [1-9]\d*$
# stdout: (?m)^its socket: found$
# stdout: (?m)^socket imported$
# stdout: (?m)^socket made: EPERM$
# stdout: (?m)^posix_spawn: EPERM$
# stdout: (?m)^dlopen: .*(denied|permitted|cannot open).*$
# stdout: (?m)^nothing gained$
# refused: socket socket
# refused: open /lib/libx.so
"""All of the interpreter can be reached by introspection, refused modules too: the calls behind them stay refused."""

import builtins
import errno
import gc
import sys


def fails(what, function, *args):
    try:
        got = function(*args)
    except OSError as e:
        print(f"{what}: {errno.errorcode.get(e.errno, e)}")
    else:
        raise AssertionError(f"{what} gave {got!r}")


def model():
    shim = {name: module for name, module in sys.modules.items() if name.startswith("_hotcell")}
    print("the shim's modules:", len(shim))
    wire, kernel, own = shim["_hotcell.wire"], shim["_hotcell.kernel"], shim["_hotcell.model"]
    conns = [o for o in gc.get_objects() if type(o) is wire.Conn]
    frame = sys._getframe()
    while frame:
        conns += [v for v in frame.f_locals.values() if type(v) is wire.Conn]
        frame = frame.f_back
    print("its socket:", "found" if conns else "not found")
    assert conns[0].fd == 3

    # The import hook off, by each of its ends.
    for load in [m for m in gc.get_objects() if type(m) is own.Model] or [sys.modules["model"].__spec__.loader]:
        load.may_import = lambda name: True
    vars(sys.modules["model"])["__builtins__"] = builtins
    vars()["__builtins__"] = builtins
    real = builtins.__import__
    socket = real("_socket")
    print("socket imported")
    fails("socket made", socket.socket)
    fails("its send with rights", conns[0].send, 16, wire.Encoder(), 0, [1])
    fails("posix_spawn", real("posix").posix_spawn, "/bin/sh", ["sh"], {})
    fails("dlopen", sys.modules["_ctypes"].dlopen, "/lib/libx.so", 2)
    try:
        real("sqlite3")
    except ImportError as e:
        print("a module that was not loaded:", e)
    loader = type(sys.modules["_ctypes"].__spec__.loader)
    spec = type(sys.__spec__)("x", loader("x", "/lib/x.so"), origin="/lib/x.so")
    try:
        real("_imp").create_dynamic(spec)
    except (ImportError, OSError) as e:
        print("an extension by its path:", e)
    for name, *args in [
        ("unshare", 0), ("mount", b"none", b"/", b"tmpfs", 0, b""), ("pivot_root", b".", b"."), ("pidfd_open", 1), ("fork_into", 0, 0),
        ("landlock_nothing", 6), ("seccomp", b"\6\0\0\0\0\0\xff\x7f", False), ("map_region", -1, 4096, True, 0x1000000000),
    ]:  # fmt: skip
        fails(f"the shim's {name}", getattr(kernel, name), *args)
    print("nothing gained")
