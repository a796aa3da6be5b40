"""The template: imports what models may use, then forks sandboxes.

It is trusted, has one thread and never sees a byte of a user's.
"""

import faulthandler
import gc
import importlib
import os
import random
import select
import signal
import sys

from _hotcell import absent, kernel, library, lockdown, threads, warm, wire

CONTROL = 3


class Fork:
    """One Fork message: what a sandbox needs before its lock-down."""

    def __init__(self, decoder):
        self.token = decoder.u64()
        self.filter = decoder.bytes()
        self.wait_killable = bool(decoder.u8())
        self.grants = decoder.u64()
        self.warm = bool(decoder.u8())
        self.output = decoder.u64()


def import_all(names):
    """Imports in order; returns "name: reason" for what cannot be.

    A name that ends in "?" may be that of a part of a package, or of anything
    else in it: the model's source has the two words with a dot between them.
    """
    failed = []
    for name in names:
        try:
            if name.endswith("?"):
                import_part(name[:-1])
            else:
                load(name)
        except BaseException as e:  # a module may raise anything, SystemExit too
            name = name.rstrip("?")
            absent.failed[name] = absent.reason(e)
            failed.append(f"{name}: {absent.failed[name]}"[:500])
    return failed


def import_part(name):
    """Imports a part of an imported package, if it has a part of that name which is not there yet."""
    parent, _, part = name.rpartition(".")
    package = sys.modules.get(parent)
    if hasattr(package, "__path__") and part not in vars(package):
        try:
            load(name)
        except ModuleNotFoundError as e:
            if e.name != name:
                raise


# What an interpreter that was probed is known to survive.
KNOWN = {"numpy", *getattr(sys, "stdlib_module_names", ())}


def load(name):
    """Imports a module, and says so before: compiled code can end the process."""
    if name.partition(".")[0] not in KNOWN:
        os.write(2, f"importing {name}\n".encode())
    importlib.import_module(name)
    if not threaded and not kernel.single_threaded():
        threaded.append(name)


# The module after whose import there was more than one native thread.
threaded = []


# What the interpreter and numpy load lazily and a model would need after the
# lock-down, when no library file can be opened any more. Encodings come with
# the library, which needs none.
LAZY = (
    "linecache",
    "traceback",
    "tokenize",
    "unicodedata",
    "warnings",
)


def first_use():
    """Does once what loads something when it is done first."""
    random.Random(b"")  # how sandboxes are seeded: a hash, of which version depends
    threads.load_unwinder()


class Template:
    """The template's side of its conversation with the supervisor."""

    def __init__(self):
        self.conn = wire.Conn(CONTROL)
        self.poll = select.poll()
        self.poll.register(CONTROL, select.POLLIN)
        self.sandboxes = {}  # pidfd -> (token, pid)
        self.libraries = threads.Libraries()
        self.tid, self.direct = None, False

    def boot(self):
        decoder, _ = self.conn.expect(wire.BOOT)
        path, modules, shared = decoder.texts(), decoder.texts(), bool(decoder.u8())
        # A crash in native code says on which line of Python it was, here and
        # in the sandboxes, whose handlers and signal stack are copies.
        faulthandler.enable(2)
        # Collections would only look at what an import keeps anyway.
        gc.disable()
        sys.path[:] = path
        failed = import_all(modules)
        import_all(LAZY)
        first_use()
        library.LIBRARY.keep_packages(absent.failed, shared)
        absent.ABSENT.remember(library.LIBRARY)
        self.libraries = threads.find()
        self.libraries.take_space()
        if shared:
            warm.up_template(self.libraries)
        self.tid = kernel.tid_address()
        self.direct = sys.implementation.name == "cpython" and self.tid and not threads.fork_handlers()
        numpy = sys.modules.get("numpy")
        e = wire.Encoder()
        e.text(".".join(map(str, sys.version_info[:3])))
        e.text(getattr(numpy, "__version__", ""))
        e.texts(failed[:100])
        e.text("" if kernel.single_threaded() else (threaded or ["?"])[0])
        # What is loaded now is never collected: a collection in a sandbox
        # would copy every page that the template shares with it.
        gc.freeze()
        self.conn.send(wire.READY, e)

    def run(self):
        """Serves until the supervisor goes away."""
        while True:
            for fd, _ in self.poll.poll():
                if fd == CONTROL:
                    decoder, fds = self.conn.expect(wire.FORK)
                    self.fork(Fork(decoder), fds)
                else:
                    self.reap(fd)

    def fork(self, fork, fds):
        """Makes one sandbox and tells the supervisor."""
        e = wire.Encoder()
        e.u64(fork.token)
        try:
            pid, pidfd = (self.fork_directly if self.direct else self.fork_by_intermediate)(fork, fds)
        except lockdown.StageError as failed:
            e.text(failed.stage)
            e.u32(failed.errno)
            e.text(failed.text)
            self.conn.send(wire.FAILED, e)
        else:
            self.sandboxes[pidfd] = fork.token, pid
            self.poll.register(pidfd, select.POLLIN)
            self.conn.send(wire.FORKED, e, fds=[pidfd])
        for fd in fds:
            os.close(fd)

    def fork_directly(self, fork, fds):
        """One clone that gives the sandbox all its namespaces."""
        pid, pidfd = lockdown.step(lockdown.namespaces, self.tid)
        if pid == 0:
            sandbox_main(self, fork, fds)
        return pid, pidfd

    def fork_by_intermediate(self, fork, fds):
        """Two ordinary forks, with the namespaces unshared between them.

        A process cannot unshare its own PID namespace. The sandbox becomes
        our child when the intermediate ends: we are PID 1 of the namespace
        that the intermediate still belongs to.
        """
        r, w = lockdown.step(os.pipe)
        try:
            intermediate = lockdown.step(os.fork)
            if intermediate == 0:
                intermediate_main(self, fork, fds, w)
            os.close(w)
            w = -1
            told = os.read(r, 4096)
        finally:
            os.close(r)
            if w >= 0:
                os.close(w)
        os.waitpid(intermediate, 0)
        if told[:1] == b"+":
            return self.adopt(int(told[1:]))
        stage, number, text = (told.decode().split("\0") + ["", "", ""])[:3]
        raise lockdown.StageError(
            stage or "intermediate", int(number or 0), text or "it ended before it forked the sandbox"
        )

    def adopt(self, pid):
        """Takes a sandbox that is our child now; one that cannot be watched is not kept."""
        try:
            return pid, lockdown.step(kernel.pidfd_open, pid)
        except lockdown.StageError:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise

    def reap(self, pidfd):
        token, pid = self.sandboxes.pop(pidfd)
        self.poll.unregister(pidfd)
        os.close(pidfd)
        _, status = os.waitpid(pid, 0)
        e = wire.Encoder()
        e.u64(token)
        e.u32(status)
        self.conn.send(wire.EXITED, e)


def sandbox_main(template, fork, fds):
    """In the fresh sandbox. Never returns."""
    from _hotcell import sandbox

    sandbox.main(fork, fds, template.libraries)


def intermediate_main(template, fork, fds, told):
    """Unshares, forks the sandbox, tells its PID and ends. Never returns."""
    try:
        lockdown.step(lockdown.namespaces)
        pid = os.fork()
        if pid == 0:
            sandbox_main(template, fork, fds)
        os.write(told, b"+%d" % pid)
    except lockdown.StageError as e:
        os.write(told, f"{e.stage}\0{e.errno}\0{e.text}".encode())
    except OSError as e:
        os.write(told, f"fork\0{e.errno}\0{e}".encode())
    finally:
        os._exit(0)


def main():
    """Runs the template until the supervisor closes the conversation."""
    template = Template()
    try:
        template.boot()
        from _hotcell import sandbox  # noqa: F401  forked ready to run

        template.run()
    except (EOFError, ConnectionError, BrokenPipeError):
        pass  # the supervisor is gone; as PID 1 of the namespace we take all with us
    os._exit(0)
