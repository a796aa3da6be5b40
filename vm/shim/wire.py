"""The wire to the supervisor, as ipc/PROTOCOL.md draws it.

The template and the sandbox speak it. The supervisor trusts the template and
nothing that a sandbox sends, so the checks that matter are on its side; what
is checked here keeps a broken supervisor from confusing a model.
"""

import array
import os
import struct

import _socket

VERSION = 1
HEADER = struct.Struct("<HHI")
MAX_FRAME = 64 << 10
MAX_DESCRIPTORS = 128

BOOT, READY, FORK, FORKED, FAILED, EXITED = range(1, 7)
HELLO, LOCKED, WAITING, LOAD, LOADED, CALL, RESULT, EXCEPTION, ASK, ANSWER, INVOKE, RETURNED, OUTPUT = range(16, 29)

# Value kinds.
NONE, BOOL, INT, FLOAT, COMPLEX, TEXT, ARRAY, SPAN, LIST, DICT = range(10)

_FIELDS = [struct.Struct("<" + c) for c in "BIQqd"]
_put_u8, _put_u32, _put_u64, _put_i64, _put_f64 = (s.pack for s in _FIELDS)
_get_u8, _get_u32, _get_u64, _get_i64, _get_f64 = (s.unpack_from for s in _FIELDS)
_REF = struct.Struct("<BqI")  # order, offset, axes
_REGION = struct.Struct("<QQB")

# Names of results as the wire has them, and arrays by what the wire has of
# them: a model has few.
_names, _refs = {}, {}
MAX_REMEMBERED = 256


def remember(known, key, value):
    if len(known) == MAX_REMEMBERED:
        known.clear()
    known[key] = value


class WireError(Exception):
    """A frame that is not as the protocol says."""


class Ref:
    """An array in a region: dtype as an .npy header has it, order C or Fortran.

    It does not change, and remembers how it is encoded: results are often
    where and what those of the call before were.
    """

    __slots__ = ("descr", "encoded", "fortran", "offset", "shape")

    def __init__(self, descr, shape, offset, fortran=False):
        self.descr, self.shape, self.offset, self.fortran = descr, tuple(shape), offset, fortran
        self.encoded = None


class Region:
    """Names the region of one array; its descriptor came with the frame if passed."""

    __slots__ = ("id", "passed", "size")

    def __init__(self, id, size, passed):
        self.id, self.size, self.passed = id, size, passed


class Span:
    """Text in the output region."""

    __slots__ = ("offset", "size")

    def __init__(self, offset, size):
        self.offset, self.size = offset, size


class Encoder:
    """Appends little-endian fields; text and lists carry a u32 count."""

    def __init__(self):
        self.parts = []

    def u8(self, v):
        self.parts.append(_put_u8(v))

    def u32(self, v):
        self.parts.append(_put_u32(v))

    def u64(self, v):
        self.parts.append(_put_u64(v))

    def i64(self, v):
        self.parts.append(_put_i64(v))

    def f64(self, v):
        self.parts.append(_put_f64(v))

    def bytes(self, v):
        self.parts += (_put_u32(len(v)), v)

    def text(self, v):
        self.bytes(v.encode("utf-8", "backslashreplace"))

    def texts(self, v):
        self.u32(len(v))
        for s in v:
            self.text(s)

    def integer(self, v):
        n = abs(v)
        self.u8(v < 0)
        self.bytes(n.to_bytes((n.bit_length() + 7) // 8, "little"))

    def value(self, v):
        """Encodes a Python value, a Ref or a Span; TypeError for another."""
        kind = type(v)
        if v is None:
            self.u8(NONE)
        elif kind is bool:
            self.u8(BOOL)
            self.u8(v)
        elif kind is int:
            self.u8(INT)
            self.integer(v)
        elif kind is float:
            self.u8(FLOAT)
            self.f64(v)
        elif kind is complex:
            self.u8(COMPLEX)
            self.f64(v.real)
            self.f64(v.imag)
        elif kind is str:
            self.u8(TEXT)
            self.text(v)
        elif kind is Ref:
            if v.encoded is None:
                v.encoded = encode_ref(v)
            self.parts.append(v.encoded)
        elif kind is Span:
            self.u8(SPAN)
            self.u64(v.offset)
            self.u64(v.size)
        else:
            raise TypeError(f"no wire form for {kind.__name__}")

    def args(self, pairs):
        self.u32(len(pairs))
        for name, v in pairs:
            self.parts.append(_names.get(name) or encode_name(name))
            self.value(v)

    def frame(self, kind, seq=0):
        return HEADER.pack(kind, VERSION, seq) + b"".join(self.parts)


def frame_of(kind, pairs):
    """A frame that has named values only, as a result: what each call sends, so it is written out."""
    parts = [_heads.get(kind) or encode_head(kind), _put_u32(len(pairs))]
    for name, v in pairs:
        parts.append(_names.get(name) or encode_name(name))
        if type(v) is float:
            parts.append(_put_float(FLOAT, v))
        elif type(v) is Ref and v.encoded is not None:
            parts.append(v.encoded)
        else:
            e = Encoder()
            e.value(v)
            parts += e.parts
    return b"".join(parts)


_put_float = struct.Struct("<Bd").pack
_heads = {}


def encode_head(kind):
    head = _heads[kind] = HEADER.pack(kind, VERSION, 0)
    return head


def encode_ref(ref):
    e = Encoder()
    e.u8(ARRAY)
    e.text(ref.descr)
    e.u8(ref.fortran)
    e.i64(ref.offset)
    e.u32(len(ref.shape))
    for n in ref.shape:
        e.i64(n)
    return b"".join(e.parts)


def encode_name(name):
    e = Encoder()
    e.text(name)
    encoded = b"".join(e.parts)
    remember(_names, name, encoded)
    return encoded


class Decoder:
    """Reads the same fields; struct.error or WireError on a short frame."""

    def __init__(self, payload, at=0):
        self.b, self.at = payload, at

    def u8(self):
        (v,) = _get_u8(self.b, self.at)
        self.at += 1
        return v

    def u32(self):
        (v,) = _get_u32(self.b, self.at)
        self.at += 4
        return v

    def u64(self):
        (v,) = _get_u64(self.b, self.at)
        self.at += 8
        return v

    def i64(self):
        (v,) = _get_i64(self.b, self.at)
        self.at += 8
        return v

    def f64(self):
        (v,) = _get_f64(self.b, self.at)
        self.at += 8
        return v

    def bytes(self):
        (n,) = _get_u32(self.b, self.at)
        begin = self.at + 4
        if n > len(self.b) - begin:
            raise WireError(f"{n} bytes wanted, {len(self.b) - begin} left")
        self.at = begin + n
        return self.b[begin : self.at]

    def text(self):
        return self.bytes().decode()

    def texts(self):
        return [self.text() for _ in range(self.u32())]

    def value(self):
        kind = self.u8()
        if kind == ARRAY:
            return self.ref()
        if kind == FLOAT:
            return self.f64()
        if kind == INT:
            negative = self.u8()
            n = int.from_bytes(self.bytes(), "little")
            return -n if negative else n
        if kind == TEXT:
            return self.text()
        if kind == BOOL:
            return bool(self.u8())
        if kind == NONE:
            return None
        if kind == COMPLEX:
            return complex(self.f64(), self.f64())
        if kind == SPAN:
            return Span(self.u64(), self.u64())
        if kind == LIST:
            return [self.value() for _ in range(self.u32())]
        if kind == DICT:
            return dict(self.args())
        raise WireError(f"a value of kind {kind}")

    def ref(self):
        """A reference; the same bytes give the same object, as far as it is remembered."""
        begin = self.at
        (n,) = _get_u32(self.b, begin)
        _, _, axes = _REF.unpack_from(self.b, begin + 4 + n)
        ref = _refs.get(self.b[begin : begin + 4 + n + _REF.size + 8 * axes])
        if ref is None:
            return self.new_ref()
        self.at = begin + len(ref.encoded) - 1
        return ref

    def new_ref(self):
        begin, descr = self.at, self.text()
        fortran, offset, axes = _REF.unpack_from(self.b, self.at)
        self.at += _REF.size
        ref = Ref(descr, [self.i64() for _ in range(axes)], offset, bool(fortran))
        remember(_refs, self.b[begin : self.at], ref)
        ref.encoded = _put_u8(ARRAY) + self.b[begin : self.at]
        return ref

    def args(self):
        return [(self.text(), self.value()) for _ in range(self.u32())]

    def regions(self):
        return [self.region() for _ in range(self.u32())]

    def region(self):
        id, size, passed = _REGION.unpack_from(self.b, self.at)
        self.at += _REGION.size
        return Region(id, size, bool(passed))

    def u64s(self):
        return [self.u64() for _ in range(self.u32())]


class Conn:
    """One SOCK_SEQPACKET conversation on an inherited descriptor."""

    def __init__(self, fd):
        self.fd = fd
        self.sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, fd)
        self._space = _socket.CMSG_SPACE(4 * MAX_DESCRIPTORS)
        self._in = memoryview(bytearray(MAX_FRAME))
        self._buffers = [self._in]
        self.patience = Patience()

    def send(self, kind, encoder, seq=0, fds=()):
        """Writes one frame; descriptors only before the lock-down."""
        self.send_frame(encoder.frame(kind, seq), fds)

    def send_frame(self, frame, fds=()):
        if len(frame) > MAX_FRAME:
            raise WireError(f"a frame of {len(frame)} bytes, at most {MAX_FRAME}")
        if fds:
            rights = array.array("i", fds).tobytes()
            self.sock.sendmsg([frame], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
        else:
            self.sock.send(frame)

    def frame(self, flags=0):
        """Waits for one frame: (its bytes, descriptors). EOFError when the supervisor is gone."""
        n, ancillary, _, _ = self.sock.recvmsg_into(self._buffers, self._space, flags)
        if n == 0:
            raise EOFError("the supervisor closed the conversation")
        return self._in[:n].tobytes(), descriptors(ancillary) if ancillary else []

    def next_frame(self):
        """As frame, for who expects it within microseconds.

        Where the supervisor's calls come at such a pace, it looks for the next a
        moment before it sleeps: to be woken costs more than all else of a short
        call. Looking that was in vain is left out for a while, ever longer: the
        pace is another then, or somebody else needs the processor.
        """
        patience = self.patience
        if patience.left:
            patience.left -= 1
        elif PROCESSORS > 1:
            for _ in range(LOOKS):
                try:
                    found = self.frame(_socket.MSG_DONTWAIT)
                except BlockingIOError:
                    continue
                patience.penalty = 1
                return found
            patience.failed()
        return self.frame()

    def receive(self):
        """Waits for one frame: (kind, seq, decoder, descriptors).

        EOFError when the supervisor is gone.
        """
        frame, fds = self.frame()
        kind, seq, decoder = parse(frame)
        return kind, seq, decoder, fds

    def expect(self, want):
        """Receives a frame of one type; returns (decoder, descriptors)."""
        kind, _, decoder, fds = self.receive()
        if kind != want:
            raise WireError(f"message {kind}, want {want}")
        return decoder, fds


# About as many microseconds.
LOOKS = 24


class Patience:
    """Says when looking before sleeping is worth trying: when no calls are left to be left out."""

    MOST = 256  # calls that a failure leaves out

    def __init__(self):
        self.left, self.penalty = 0, 1

    def failed(self):
        self.left = self.penalty = min(2 * self.penalty, self.MOST)


# Counted in the template: a sandbox may not ask, and sees what its limits give.
try:
    PROCESSORS = len(os.sched_getaffinity(0))
except (AttributeError, OSError):
    PROCESSORS = os.cpu_count() or 1


def parse(frame):
    """A frame's (kind, seq, decoder)."""
    if len(frame) < HEADER.size:
        raise WireError(f"{len(frame)} bytes are no header")
    kind, version, seq = HEADER.unpack_from(frame)
    if version != VERSION:
        raise WireError(f"protocol version {version}, want {VERSION}")
    return kind, seq, Decoder(frame, HEADER.size)


def descriptors(ancillary):
    fds = array.array("i")
    for level, kind, data in ancillary:
        if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return list(fds)
