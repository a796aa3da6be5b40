"""The wire: the golden frames that the supervisor's tests read too, and what is refused."""

import os
import struct
import unittest

import support
from hotcell import _codec, _wire
from hotcell._wire import Decoder, Encoder, Ref, Region, Span, WireError


def payload(name):
    return support.golden(name)[_wire.HEADER.size :]


class Golden(unittest.TestCase):
    def test_written(self):
        """What the client says is what the supervisor reads, byte for byte."""
        x = ("x", Ref("<f8", (3,), 0))
        launch = _wire.Launch(
            "model", "cpython", ["memory=256M"], ["TZ=UTC"], 7, [_wire.File("", "model.py", False, 0, 73)], [x],
            [Region(9, 24, True)], True, True, ["rate"],
        )
        request = b"".join((
            _wire.encoded_args([x, ("n", 5)]), _wire.encoded_regions([Region(9, 24, False)]),
            _wire.encoded_numbers([8]), _wire.encoded_args([("y", Ref("<f4", (2,), 0))]), _wire.encoded_numbers([1, 2]),
            _wire.encoded_number(10**9), b"\1",
        ))
        for name, frame in {
            "open": _wire.open_frame("python 3.11"),
            "launch": _wire.launch_frame(launch),
            "request": _wire.frame(_wire.REQUEST, request, 3),
            "attach": _wire.attach_frame([9, 12], 4),
            "delivered": _wire.delivered_frame(False, 1.25, 0, 6),
            "heard": _wire.heard_frame(bytes([23, 0, 1, 0]), 1, 5),
            "decision": _wire.decision_frame("virtual", 1, b"{}", True, 0),
            "inquire": _wire.INQUIRE_FRAME,
            "cancel": _wire.CANCEL_FRAME,
            "close": _wire.CLOSE_FRAME,
        }.items():
            self.assertEqual(frame, support.golden(name), name)

    def test_read(self):
        values = [("y", Ref("<f8", (3,), 0))]
        for name, read, want in (
            ("opened", _wire.read_opened, _wire.Opened("1.0", 4242)),
            ("launched", _wire.read_empty, None),
            ("reply", _wire.read_reply, _wire.Reply(values, Region(3, 4096, True), [2])),
            ("failure", _wire.read_failure,
             _wire.Failure("exception", "model", "ValueError: x", "ValueError", "x", "Traceback", "model.py", 2, True)),
            ("question", _wire.read_question, _wire.Question("open", "/etc/hosts", True, "openat")),
            ("figures", _wire.read_figures, 300),
            ("delegate", _wire.read_delegate, _wire.Delegate("rate", [("_0", "EUR"), ("at", Ref("<i8", (2,), 64))], 4096)),
            ("attached", _wire.read_attached, _wire.Attached([2, 0], 4096, 2 * 10**9)),
        ):
            self.assertEqual(read(payload(name)), want, name)
            # Whatever is cut off, or put behind, makes it malformed.
            for n in range(len(payload(name))):
                with self.assertRaises(WireError, msg=f"{name}: {n} bytes"):
                    read(payload(name)[:n])
            with self.assertRaises(WireError, msg=name):
                read(payload(name) + b"\0")

    def test_complete(self):
        """Every message of the client's conversation is above."""
        for name in os.listdir(support.WIRE):
            kind = _wire.HEADER.unpack_from(support.golden(name[: -len(".hex")]))[0]
            if kind >= _wire.OPEN:
                self.assertEqual(kind, getattr(_wire, name[: -len(".hex")].upper()))

    def test_values(self):
        """A value of each kind, from the frames of the sandbox's conversation."""
        for name, want in {
            "value-none": [("v", None)],
            "value-bool": [("t", True), ("f", False)],
            "value-int": list(zip("abcdefg", (0, 1, -1, 255, 256, -(2**63), 10**30))),
            "value-complex": [("v", complex(1.5, -0.0))],
            "value-text": [("a", ""), ("b", "aé€\U0001f600\0")],
            "value-span": [("v", Span(64, 100000))],
        }.items():
            d = Decoder(payload(name))
            got = d.args()
            self.assertEqual(repr(got), repr(want), name)
            d.done()
            e = support.Encoder()
            e.args(want, len(want))
            self.assertEqual(e.payload(), payload(name), name)

    def test_floats(self):
        """NaNs keep their bits."""
        d = Decoder(payload("value-float"))
        self.assertEqual(_wire.encoded_args(d.args()), payload("value-float"))


def encoded(*fields):
    """bytes as they are, an int as one byte, a str as text, (width, number)."""
    parts = []
    for f in fields:
        if isinstance(f, bytes):
            parts.append(f)
        elif isinstance(f, int):
            parts.append(bytes([f]))
        elif isinstance(f, str):
            parts += (struct.pack("<I", len(f.encode())), f.encode())
        else:
            parts.append(struct.pack("<" + f[0], f[1]))
    return b"".join(parts)


class Refused(unittest.TestCase):
    def test_values(self):
        for name, value in {
            "no kind": b"",
            "kind 10": encoded(10),
            "kind 255": encoded(255),
            "a list": encoded(_codec.LIST, ("I", 0)),
            "a dict": encoded(_codec.DICT, ("I", 0)),
            "truth 2": encoded(_codec.BOOL, 2),
            "sign 2": encoded(_codec.INT, 2, "\x01"),
            "negative zero": encoded(_codec.INT, 1, ""),
            "zero of a byte": encoded(_codec.INT, 0, "\0"),
            "leading zero": encoded(_codec.INT, 0, "\x01\0"),
            "long integer": encoded(_codec.INT, 0, ("I", (32 << 10) + 1), b"\x01" * ((32 << 10) + 1)),
            "huge integer": encoded(_codec.INT, 0, ("I", 0xFFFFFFFF), b"\x01"),
            "short float": encoded(_codec.FLOAT, b"1234567"),
            "huge text": encoded(_codec.TEXT, ("I", 1 << 31), b"x"),
            "no UTF-8": encoded(_codec.TEXT, ("I", 1), b"\xff"),
            "overlong UTF-8": encoded(_codec.TEXT, ("I", 2), b"\xc0\x80"),
            "surrogate": encoded(_codec.TEXT, ("I", 3), b"\xed\xa0\x80"),
            "huge shape": encoded(_codec.ARRAY, "<f8", 0, ("q", 0), ("I", 1 << 29)),
            "33 axes": encoded(_codec.ARRAY, "<f8", 0, ("q", 0), ("I", 33), b"\0" * 8 * 33),
            "order 2": encoded(_codec.ARRAY, "<f8", 2, ("q", 0), ("I", 0)),
            "half a span": encoded(_codec.SPAN, ("Q", 1)),
        }.items():
            with self.assertRaises(WireError, msg=name):
                d = Decoder(value)
                d.value()
                d.done()

    def test_counts(self):
        """A count that the bytes left cannot hold is refused before anything is allocated."""
        for name, read in (("args", Decoder.args), ("u64s", Decoder.u64s), ("texts", Decoder.texts), ("blob", Decoder.blob)):
            with self.assertRaises(WireError, msg=name):
                read(Decoder(encoded(("I", 0xFFFFFFFF), b"\0" * 64)))

    def test_region(self):
        with self.assertRaises(WireError):
            Decoder(encoded(("Q", 1), ("Q", 1), 2)).region()


class Encoding(unittest.TestCase):
    def test_lists(self):
        self.assertEqual(_wire.encoded_args([("a", []), ("b", [1, ["x"], None])]), payload("value-list")[: -4 * 3])
        self.assertEqual(_wire.encoded_args([("v", {"b": True, "a": {"": 0.5}})]), payload("value-dict")[: -4 * 3])

    def test_nesting(self):
        nested = []
        for _ in range(_wire.MAX_NESTING - 1):
            nested = [nested]
        Encoder().value(nested)
        with self.assertRaises(ValueError):
            Encoder().value([nested])
        nested.append(nested)
        with self.assertRaises(ValueError):
            Encoder().value(nested)

    def test_refused(self):
        for name, value, error in (
            ("object", object(), TypeError), ("key", {1: 2}, TypeError), ("set", {1, 2}, TypeError), ("integer", 1 << (32 << 13), ValueError),
        ):
            with self.assertRaises(error, msg=name):
                Encoder().value(value)

    def test_lists_of_themselves(self):
        wide = []
        wide += [wide] * 1000
        with self.assertRaises(ValueError):
            Encoder().value(wide)

    def test_surrogates(self):
        """What a user typed need not be UTF-8, a frame must."""
        e = Encoder()
        e.text("a\ud800b")
        self.assertEqual(Decoder(e.payload()).text(), "a\\ud800b")


if __name__ == "__main__":
    unittest.main()
