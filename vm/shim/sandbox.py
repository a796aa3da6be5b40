"""A sandbox: locks itself down, then runs one model.

From Load on this process is hostile: the model can change all of it. What
is here serves honest models; the walls are the kernel's and the supervisor's.
"""

import _thread
import gc
import os
import sys

from _hotcell import arrays, functions, lockdown, model, space, threads, warm, wire

CONTROL = lockdown.CONTROL
ASKING = lockdown.ASKING

# Room in which to tell of a model that left none: its limit counts from after
# this was taken, and the pages are never touched.
SPARE = 4 << 20
spare = [bytes(SPARE)]


def main(fork, fds, libraries):
    """Runs in a fresh fork of the template. Never returns."""
    conn = None
    try:
        conn = wire.Conn(fds[0])
        if fork.warm:
            warm.up_sandbox(libraries, fork, fds)
        lockdown.step(lockdown.group, fds[4:])
        lockdown.step(lockdown.descriptors, *fds[:4])
        # The socket has moved. This looks at it, which the filter refuses.
        conn.sock.detach()
        conn, asking = wire.Conn(CONTROL), wire.Conn(ASKING)
        listener, abi = lockdown.lock(fork)
        hello(conn, listener, abi)
        serve(conn, asking, fork, libraries)
    except lockdown.StageError as e:
        failed(conn, fork.token, e.stage, e.errno, e.text)
    except EOFError:
        pass
    except BaseException as e:
        failed(conn, fork.token, "sandbox", 0, f"{type(e).__name__}: {e}")
    finally:
        os._exit(70)  # whatever the model made of the names above


def failed(conn, token, stage, number, text):
    """Tells the step that failed instead of Hello."""
    e = wire.Encoder()
    e.u64(token)
    e.text(stage)
    e.u32(number)
    e.text(text[:4096])
    try:
        conn.send(wire.FAILED, e)
    except OSError:
        pass


def hello(conn, listener, abi):
    """The first word from inside; then the listener belongs to the supervisor."""
    e = wire.Encoder()
    e.u32(listener)
    e.u32(abi)
    conn.send(wire.HELLO, e)
    conn.expect(wire.LOCKED)
    os.close(listener)
    conn.send(wire.WAITING, wire.Encoder())


class Load:
    """One Load message: the model, and how it is to run."""

    def __init__(self, decoder):
        self.function = decoder.text()
        self.modules = frozenset(decoder.text().split())
        self.recursion = decoder.u32()
        self.seed = decoder.bytes()
        self.seeded = bool(decoder.u8())
        self.threads = decoder.u32()
        self.env = decoder.texts()
        self.files = []
        for _ in range(decoder.u32()):
            module, path, package = decoder.text(), decoder.text(), bool(decoder.u8())
            self.files.append(model.File(module, path, package, decoder.u64(), decoder.u64()))
        self.args, self.regions, self.output = decoder.args(), decoder.regions(), decoder.u64()
        self.functions, self.exchange = decoder.texts(), decoder.u64()
        self.source, self.mapped = decoder.bytes(), bool(decoder.u8())


class Call:
    """One Call message."""

    def __init__(self, decoder):
        self.args, self.regions = decoder.args(), decoder.regions()
        self.forget, self.out = decoder.u64s(), decoder.args()
        self.frame = decoder.b  # with its header
        # A later frame of the same bytes means the same.
        self.repeats = not self.forget and not any(r.passed for r in self.regions)
        self.inputs, self.arrays = None, ()  # what Calls.take makes of it


def serve(conn, asking, fork, libraries=threads.Libraries()):
    """Load once, then calls until the supervisor closes the conversation."""
    decoder, fds = conn.expect(wire.LOAD)
    load = Load(decoder)
    source = load.source or read_all(fds.pop(0), max(f.offset + f.size for f in load.files))
    granted = ahead.pop() if ahead else space.Space(fork.grants)
    prepare(load, libraries)
    m = model.Model(load, source, Asker(asking))
    if not attempt(conn, start, m, granted, load, fds):
        return
    conn.send(wire.LOADED, wire.Encoder())
    Calls(conn, m, granted).run()


def start(m, granted, load, fds):
    """Maps what the launch grants, which closes its descriptors; then the first byte of the model runs."""
    try:
        m.bound = granted.bind(load.args, load.regions, fds)
        m.output = ahead.pop() if load.mapped else map_output(granted, load.output, fds)
        m.functions = functions.Functions(m.ask, granted.map(fds.pop(0), load.exchange, True) if load.exchange else memoryview(bytearray()))
    finally:
        for fd in fds:
            os.close(fd)
    m.load()


def map_output(granted, size, fds):
    return arrays.Output(granted.map(fds.pop(0), size, True) if size else memoryview(bytearray()))


# The output, and above it the addresses it lies in, where both were made ahead.
ahead = []


def read_all(fd, size):
    """So many bytes of the region that came with a frame; closes its descriptor.

    os.read and not open(): that would stat the descriptor, which is judged.
    """
    parts = []
    while size > 0 and (part := os.read(fd, min(size, 1 << 20))):
        parts.append(part)
        size -= len(part)
    os.close(fd)
    return b"".join(parts)


def attempt(conn, action, *args):
    """Runs the model's code; what it raises becomes an Exception frame."""
    try:
        action(*args)
        return True
    except wire.WireError:
        raise  # a broken supervisor, which no answer mends
    except BaseException as e:
        spare.clear()
        text = model.describe(e)
        e = None
        tell(conn, text)
        return False


def tell(conn, text):
    """Sends an exception's description."""
    flush()
    frame = wire.Encoder()
    frame.u8(text.cause)
    for field in (text.kind, text.message, text.traceback, text.file):
        frame.text(field)
    frame.u32(text.line)
    conn.send(wire.EXCEPTION, frame)
    refill()


def refill():
    """For the next call, if the model left so much."""
    try:
        spare.append(bytes(SPARE))
    except MemoryError:
        pass


# How many frames of calls are known at a time.
MAX_KNOWN = 16


class Calls:
    """Serves calls, one after the other.

    A call mostly names the arrays of an earlier one, in which its data has
    changed: a frame of the same bytes is not read again.
    """

    def __init__(self, conn, m, granted):
        self.conn, self.model, self.granted = conn, m, granted
        self.known = {}  # calls that were taken, by their frames; None for one that came once
        self.once = False  # the output is for one call
        self.failed = None  # why there is no output

    def run(self):
        """Serves until the supervisor closes the conversation."""
        while True:
            frame, fds = self.conn.next_frame()
            message = self.known.get(frame) or self.read(frame, fds)
            if message is not None:
                attempt(self.conn, self.serve, message, fds)

    def read(self, frame, fds):
        """The call that a frame is; None for another output, which has no answer."""
        kind, _, decoder = wire.parse(frame)
        if kind == wire.OUTPUT:
            self.renew(decoder, fds)
            return None
        if kind != wire.CALL:
            raise wire.WireError(f"message {kind}, want {wire.CALL}")
        return Call(decoder)

    def renew(self, decoder, fds):
        """Maps another output in place of the one before. That it cannot be mapped is told by the next call."""
        size, self.once = decoder.u64(), bool(decoder.u8())
        self.known.clear()  # arrays of calls lie in the old one
        self.model.output.leave()
        try:
            self.failed = None
            self.model.output.lie_in(self.granted.map(space.first(fds), size, True))
        except (OSError, MemoryError) as e:
            self.failed = e

    def serve(self, message, fds):
        """One call: map what came, run, write the results, tell where they lie."""
        if self.failed:
            raise self.failed
        if message.inputs is None:
            self.take(message, fds)
        output = self.model.output
        inputs = message.inputs.give()
        made = output.begin(message.arrays)
        if made:
            inputs.update(made)
        try:
            results = output.write(self.model.call(inputs))
        finally:
            output.end()
        if self.once:
            # With the last array in it the output is unmapped. A model that
            # keeps one of them has its results copied instead.
            message.inputs, message.arrays = None, ()
            inputs = made = None
            self.known.clear()
            output.leave()
        flush()
        self.answer(results)

    def take(self, message, fds):
        """Maps what a call brings, and closes its descriptors."""
        if not message.repeats:
            # With these, arrays end that lie on regions to forget.
            self.known.clear()
        try:
            self.granted.forget(message.forget)
            self.granted.take(message.regions, fds)
        finally:
            for fd in fds:
                os.close(fd)
        message.inputs = self.granted.arguments(message.args, message.regions, self.model.bound)
        message.arrays = self.model.output.declare(message.out)
        if message.repeats:
            self.keep(message)

    def keep(self, message):
        """Keeps what comes a second time: a number that changes makes each frame another."""
        again = message.frame in self.known
        if not again and len(self.known) == MAX_KNOWN:
            self.known.clear()
        self.known[message.frame] = message if again else None

    def answer(self, results):
        try:
            self.conn.send_frame(wire.frame_of(wire.RESULT, results))
        except wire.WireError as e:
            raise arrays.InvalidResult(f"the results are too many for one answer ({e}): return them as arrays") from None


def flush():
    """What the model printed goes out before its result does."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            pass  # the model may have closed or replaced it


class Asker:
    """The asked door: names an operation before the kernel would refuse it.

    One thread asks at a time, over a socket that nobody else reads.
    """

    def __init__(self, conn):
        self.conn, self.seq, self.lock = conn, 0, _thread.allocate_lock()

    def __call__(self, kind, target):
        """The supervisor's answer: (allowed, text for the error)."""
        e = wire.Encoder()
        e.text(kind)
        e.text(target)
        with self.lock:
            decoder = self.exchange(wire.ASK, e, wire.ANSWER)
        return bool(decoder.u8()), decoder.text()

    def exchange(self, kind, encoder, answer):
        """One question and its answer; the lock is held."""
        self.seq += 1
        self.conn.send(kind, encoder, self.seq)
        decoder, _ = self.conn.expect(answer)
        return decoder


def prepare(load, libraries=threads.Libraries()):
    """Makes the process look like a fresh interpreter of its own."""
    if not neutral:
        neutralise()
    for pair in load.env:
        name, _, value = pair.partition("=")
        os.environ[name] = value
    if load.seeded or not seeded:
        model.seed_generators(load.seed, load.seeded)
    threads.fit(libraries, load.threads)
    sys.setrecursionlimit(load.recursion)
    gc.enable()


# What was done ahead: neutralise in the template, and seeds of this sandbox's own.
neutral = seeded = False


def neutralise():
    """What is the same for all models."""
    os.environ.clear()
    # For the C library only, which would look for /etc/localtime at each
    # conversion of a time: a routed operation, and refused. A model's own TZ
    # comes after it.
    os.putenv("TZ", "UTC0")
    model.without_library_sources()
    sys.argv = [""]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")
