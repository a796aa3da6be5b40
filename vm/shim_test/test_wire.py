import math
import os
import socket
import struct
import unittest
from unittest import mock

import golden
from _hotcell import wire


def bits(value):
    return struct.pack("<d", value)


def same(a, b):
    """Equality by type and bits: 1 is not True, -0.0 not 0.0, a NaN itself."""
    if type(a) is not type(b):
        return False
    if type(a) is float:
        return bits(a) == bits(b)
    if type(a) is complex:
        return same(a.real, b.real) and same(a.imag, b.imag)
    if type(a) in (wire.Ref, wire.Span):
        return all(same(getattr(a, f), getattr(b, f)) for f in type(a).__slots__ if f != "encoded")
    if type(a) in (list, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if type(a) is dict:
        return same(list(a.items()), list(b.items()))
    return a == b


def lettered(*values):
    return list(zip("abcdefghij", values))


PAYLOAD = struct.unpack("<d", bytes.fromhex("efbeadde0000fcff"))[0]

# What the arguments of a frame are in Python.
ARGS = {
    "call": [("x", wire.Ref("<f8", (3,), 0)), ("scale", 2.0)],
    "result": [("y", wire.Ref("<f8", (3,), 0)), ("n", 3)],
    "value-none": [("v", None)],
    "value-bool": [("t", True), ("f", False)],
    "value-int": lettered(0, 1, -1, 255, 256, -(2**63), 10**30),
    "value-float": lettered(0.1, -0.0, 5e-324, math.inf, -math.inf, math.nan, PAYLOAD),
    "value-complex": [("v", complex(1.5, -0.0))],
    "value-text": lettered("", "aé€\U0001f600\0"),
    "value-array": lettered(
        wire.Ref("<c16", (2, 3), 64, True),
        wire.Ref("|b1", (), 0),
        wire.Ref("<i2", (3, 0, 2), 128),
        wire.Ref("[('a', '<i4'), ('', '|V4'), ('b', '>f8', (2,))]", (5,), 192),
        wire.Ref("<M8[25s]", (1,), 320),
        wire.Ref("|S5", (2,), 384),
        wire.Ref("<U7", (1,), 448),
    ),
    "value-span": [("v", wire.Span(64, 100000))],
    "value-list": lettered([], [1, ["x"], None]),
    "value-dict": [("v", {"b": True, "a": {"": 0.5}})],
}


MESSAGES = """boot ready fork forked failed exited
hello locked waiting load loaded call output result exception ask answer invoke returned""".split()


class Golden(unittest.TestCase):
    def test_complete(self):
        """Every file is a message of test_messages or arguments of this file."""
        self.assertEqual(set(golden.names()), set(MESSAGES) | set(ARGS))

    def test_header(self):
        for name in golden.names():
            kind, version, _ = wire.HEADER.unpack_from(golden.read(name))
            self.assertEqual(version, wire.VERSION, name)
            if name in MESSAGES:
                self.assertEqual(kind, getattr(wire, name.upper()), name)

    def test_decode(self):
        for name, want in ARGS.items():
            decoder = golden.decoder(name)
            got = decoder.args()
            self.assertTrue(same(got, want), f"{name}: {got}, want {want}")
            kind = wire.HEADER.unpack_from(golden.read(name))[0]
            if kind == wire.CALL:
                self.regions_and_out(name, decoder)
            self.assertEqual(decoder.at, len(decoder.b), f"{name}: bytes left")

    def regions_and_out(self, name, decoder):
        """What a Call has behind its arguments."""
        regions = [(r.id, r.size, r.passed) for r in decoder.regions()]
        forget, out = decoder.u64s(), decoder.args()
        if name == "call":
            self.assertEqual((regions, forget), ([(2, 24, True)], [1]))
            self.assertTrue(same(out, [("z", wire.Ref("<f4", (2,), 64))]), out)
        else:
            self.assertEqual((regions, forget, out), ([], [], []), name)

    def test_encode(self):
        for name, args in ARGS.items():
            frame = golden.read(name)
            kind, _, seq = wire.HEADER.unpack_from(frame)
            if kind != wire.RESULT:
                continue  # the supervisor's to send
            e = wire.Encoder()
            e.args(args)
            self.assertEqual(e.frame(kind, seq), frame, name)


class Codec(unittest.TestCase):
    def test_encoder_replaces_surrogates(self):
        e = wire.Encoder()
        e.text("a\ud800b")
        self.assertEqual(wire.Decoder(b"".join(e.parts)).text(), "a\\ud800b")

    def test_encoder_refuses(self):
        for value in ([], {}, b"", object(), wire.Encoder):
            with self.assertRaises(TypeError):
                wire.Encoder().value(value)

    def test_encoder_remembers(self):
        """A reference or a name that was encoded before comes out as it did then."""
        for n in range(2 * wire.MAX_REMEMBERED):
            refs = [wire.Ref("<f8", (n,), 64), wire.Ref("<f8", [n], 64, True), wire.Ref(f"|S{n}", (), 0)]
            args = [(f"{letter}{n}", v) for letter, v in zip("abc", refs)]
            for _ in range(2):
                e = wire.Encoder()
                e.args(args)
                self.assertTrue(same(wire.Decoder(b"".join(e.parts)).args(), args), n)
        for known in wire._names, wire._refs:
            self.assertLessEqual(len(known), wire.MAX_REMEMBERED)

    def test_encoder_takes_no_subclass(self):
        """A subclass may lie about itself: arrays turns it into the type itself before."""
        for base in (int, float, str):
            with self.assertRaises(TypeError):
                wire.Encoder().value(type("sub", (base,), {})())

    def test_decoder_short(self):
        for name in golden.names():
            payload = golden.read(name)[wire.HEADER.size :]
            if name not in ARGS:
                continue
            end = wire.Decoder(payload)
            end.args()
            for n in range(end.at):
                with self.assertRaises((wire.WireError, struct.error), msg=f"{name}: {n} bytes"):
                    wire.Decoder(payload[:n]).args()

    def test_regions_short(self):
        payload = golden.read("call")[wire.HEADER.size :]
        d = wire.Decoder(payload)
        d.args()
        begin = d.at
        d.regions()
        for n in range(begin, d.at):
            cut = wire.Decoder(payload[:n])
            cut.at = begin
            with self.assertRaises(struct.error, msg=f"{n} bytes"):
                cut.regions()

    def test_decoder_refuses(self):
        with self.assertRaises(wire.WireError):
            wire.Decoder(b"\x0a").value()
        with self.assertRaises(wire.WireError):
            wire.Decoder(b"\xff\xff\xff\xff").bytes()
        with self.assertRaises(UnicodeDecodeError):
            wire.Decoder(b"\x01\x00\x00\x00\xff").text()


class Conn(unittest.TestCase):
    def test_send(self):
        conn, sock = golden.pair(self)
        e = wire.Encoder()
        e.text("import")
        e.text("scipy.stats")
        conn.send(wire.ASK, e, 7)
        self.assertEqual(golden.receive(sock), (golden.read("ask"), []))

    def test_send_descriptors(self):
        conn, sock = golden.pair(self)
        r, w = os.pipe()
        e = wire.Encoder()
        e.u64(0x0102030405060708)
        conn.send(wire.FORKED, e, fds=[w])
        os.close(w)
        frame, fds = golden.receive(sock)
        self.assertEqual(frame, golden.read("forked"))
        os.write(fds[0], b"x")
        os.close(fds[0])
        self.assertEqual(os.read(r, 2), b"x")
        os.close(r)

    def test_send_too_large(self):
        conn, sock = golden.pair(self)
        e = wire.Encoder()
        e.bytes(bytes(wire.MAX_FRAME - wire.HEADER.size - 4))
        conn.send(wire.ASK, e)
        self.assertEqual(len(golden.receive(sock)[0]), wire.MAX_FRAME)
        e.u8(0)
        with self.assertRaisesRegex(wire.WireError, "a frame of 65537 bytes"):
            conn.send(wire.ASK, e)

    def test_receive(self):
        conn, sock = golden.pair(self)
        sock.send(golden.read("answer"))
        kind, seq, decoder, fds = conn.receive()
        self.assertEqual((kind, seq, fds), (wire.ANSWER, 7, []))
        self.assertEqual((decoder.u8(), decoder.text()), (0, "import of scipy.stats is not allowed"))

    def test_receive_most(self):
        """A frame of the largest size with as many descriptors as may come."""
        conn, sock = golden.pair(self)
        null = os.open("/dev/null", os.O_RDONLY)
        frame = wire.HEADER.pack(wire.CALL, wire.VERSION, 0).ljust(wire.MAX_FRAME, b"\0")
        sock.sendmsg([frame], golden.rights([null] * wire.MAX_DESCRIPTORS))
        os.close(null)
        kind, _, decoder, fds = conn.receive()
        self.assertEqual((kind, len(decoder.b), len(fds)), (wire.CALL, wire.MAX_FRAME, wire.MAX_DESCRIPTORS))
        for fd in fds:
            os.close(fd)

    def test_next_frame(self):
        """It looks, sleeps when there is nothing, and looks seldom after that."""
        conn, sock = golden.pair(self)
        looks = []
        conn.frame = lambda flags=0, frame=conn.frame: looks.append(flags) or frame(flags)
        for processors, want in (2, [True]), (1, [False]):
            with mock.patch.object(wire, "PROCESSORS", processors):
                looks.clear()
                sock.send(golden.read("answer"))
                self.assertEqual(conn.next_frame(), (golden.read("answer"), []))
                self.assertEqual([bool(f) for f in looks], want)
        with mock.patch.object(wire, "PROCESSORS", 2):
            left = wire.LOOKS + 1
            conn.frame = lambda flags=0: self.count_down(flags)
            for penalty in 2, 4, 8:
                self.left = left
                self.assertEqual(conn.next_frame(), "slept")
                self.assertEqual(self.left, 1)  # it looked all its looks, then slept
                for _ in range(penalty):
                    self.left = left
                    self.assertEqual(conn.next_frame(), "slept")
                    self.assertEqual(self.left, left)

    def count_down(self, flags):
        if not flags:
            return "slept"
        self.left -= 1
        raise BlockingIOError

    def test_expect(self):
        conn, sock = golden.pair(self)
        sock.send(golden.read("locked"))
        conn.expect(wire.LOCKED)
        sock.send(golden.read("answer"))
        with self.assertRaisesRegex(wire.WireError, "message 25, want 19"):
            conn.expect(wire.LOAD)

    def test_receive_refuses(self):
        conn, sock = golden.pair(self)
        sock.send(b"\x11\0\1\0\0\0\0")
        with self.assertRaisesRegex(wire.WireError, "7 bytes are no header"):
            conn.receive()
        sock.send(b"\x11\0\2\0\0\0\0\0")
        with self.assertRaisesRegex(wire.WireError, "protocol version 2, want 1"):
            conn.receive()

    def test_end(self):
        conn, sock = golden.pair(self)
        sock.shutdown(socket.SHUT_RDWR)
        with self.assertRaises(EOFError):
            conn.receive()
