"""The client's side of the conversation, against supervisors of the tests' own making: no lie hurts it."""

import gc
import threading
import unittest

import hotcell
import support
from hotcell import _wire
from hotcell._wire import Decoder, Ref, Span
from support import FakeTest

ONE = support.reply([("result", 1)])


class Starting(unittest.TestCase):
    def refused(self, greeting, *says):
        before = support.descriptors()
        with self.assertRaises(hotcell.SetupError) as got:
            support.Fake(self, lambda peer: None, greeting)
        for text in says:
            self.assertIn(text, str(got.exception))
        gc.collect()
        self.assertLessEqual(support.descriptors(), before)

    def test_greetings(self):
        opened = support.golden("opened")
        self.refused(b"", "serves no client")
        self.refused(b"\x21\0\2\0\0\0\0\0", "protocol version 2")
        self.refused(opened[:7], "no header")
        self.refused(opened[:-1], "bytes wanted")
        self.refused(opened + b"\0", "too many")
        self.refused(support.golden("launched"), "message 35")

    def test_launches(self):
        for name, script, error in (
            ("the end", lambda p: None, hotcell.SupervisorLost),
            ("a reply", lambda p: p.send(_wire.REPLY, ONE), hotcell.InternalError),
            ("a request", lambda p: p.send(_wire.REQUEST), hotcell.InternalError),
            ("an unknown message", lambda p: p.send(99), hotcell.InternalError),
            ("half a failure", lambda p: p.send(_wire.FAILURE, support.failure()[:-1]), hotcell.InternalError),
            ("launched and more", lambda p: p.send(_wire.LAUNCHED, b"\0"), hotcell.InternalError),
            ("an unknown verdict", lambda p: p.send(_wire.FAILURE, support.failure("fine", True)), hotcell.InternalError),
            ("a verdict", lambda p: p.send(_wire.FAILURE, support.failure("memory-limit", True)), hotcell.MemoryLimit),
        ):
            with self.subTest(name):
                before = support.descriptors()
                hc = support.Fake(self, script).hc
                with self.assertRaises(error) as got:
                    hc.launch(support.DOUBLE)
                self.assertTrue(got.exception.ended)
                self.doCleanups()
                self.assertLessEqual(support.descriptors(), before)


class Lies(FakeTest):
    def broken(self, *answer, **inputs):
        m = self.answering(answer if len(answer) > 1 else answer[0], then=lambda p: p.want(_wire.CLOSE))
        with self.assertRaises(hotcell.InternalError) as got:
            m(**inputs)
        self.assertIn("the supervisor sent", str(got.exception))
        self.assertTrue(got.exception.ended)
        with self.assertRaises(hotcell.InternalError):
            m()
        with self.assertRaises(hotcell.InternalError):
            m.report
        m.cancel()
        m.close()
        with self.assertRaises(hotcell.InternalError):
            m.report

    def test_replies(self):
        """What test_results lists in full ends the conversation."""
        fd, memory = support.region(bytes(4096))
        for values, number, size, fds in (
            ([("result", Ref("<f8", (513,), 0))], 1, 4096, [fd]),
            ([("result", Ref("|O", (1,), 0))], 1, 4096, [fd]),
            ([("result", Ref("<f8", (1,), -64))], 1, 4096, [fd]),
            ([("result", Span(4090, 7))], 1, 4096, [fd]),
            ([("result", Ref("<f8", (1,), 0))], 1, 8192, [fd]),
            ([("result", Ref("<f8", (1,), 0))], 1, 4096, []),
            ([("result", Ref("<f8", (1,), 0))], 1, 4096, [fd, fd]),
            ([("a", 1), ("a", 2)], 0, 0, []),
        ):
            with self.subTest(values):
                self.broken(_wire.REPLY, support.reply(values, number, size, bool(fds)), fds)

    def test_messages(self):
        fd, memory = support.region(bytes(4096))
        question = support.golden("question")[8:]
        for name, answer in {
            "launched": (_wire.LAUNCHED, b""),
            "opened": (_wire.OPENED, support.golden("opened")[8:]),
            "figures that nobody asked for": (_wire.FIGURES, support.golden("figures")[8:], [fd]),
            "the same without their descriptor": (_wire.FIGURES, support.golden("figures")[8:]),
            "a question with a descriptor": (_wire.QUESTION, question, [fd]),
            "half a question": (_wire.QUESTION, question[:-1]),
            "a failure with a descriptor": (_wire.FAILURE, support.failure(), [fd]),
            "half a failure": (_wire.FAILURE, support.failure()[:-1]),
            "unknown": (1, b""),
            "a line that nobody asked for": (_wire.ATTACHED, support.attached(), [fd, fd]),
            "a reply to no request": lambda p: p.send(_wire.REPLY, ONE, seq=0),
            "a reply to the next request": lambda p: p.send(_wire.REPLY, ONE, seq=2),
            "a failure of no request": lambda p: p.send(_wire.FAILURE, support.failure(), seq=0),
            "too large": lambda p: p.raw(_wire.frame(_wire.REPLY, bytes(1 << 16))),
            "no header": lambda p: p.raw(b"\x25\0\1"),
            "version 0": lambda p: p.raw(b"\x25\0\0\0\0\0\0\0" + ONE),
            "version 2": lambda p: p.raw(b"\x25\0\2\0\0\0\0\0" + ONE),
        }.items():
            with self.subTest(name):
                self.broken(*(answer if isinstance(answer, tuple) else (answer,)))

    def test_second_reply(self):
        """A reply that comes twice is not taken for that of the next call."""

        def twice(peer):
            peer.send(_wire.REPLY, ONE)
            peer.send(_wire.REPLY, ONE)

        m = self.answering(twice, lambda peer: None)
        m(x=1)
        with self.assertRaises(hotcell.InternalError) as got:
            m(x=2)
        self.assertIn("number 1 to question 2", str(got.exception))

    def test_nothing_leaks(self):
        fd, memory = support.region(bytes(4096))
        before = support.descriptors()
        for _ in range(3):
            self.broken(_wire.REPLY, support.reply([("a", Ref("<f8", (1,), 0))], 1, 8192, True), [fd])
            self.broken(_wire.FIGURES, b"", [fd, fd])
            self.doCleanups()
        gc.collect()
        self.assertLessEqual(support.descriptors(), before)


class Gone(FakeTest):
    def test_in_a_call(self):
        m = self.answering()
        for _ in range(2):
            with self.assertRaises(hotcell.SupervisorLost):
                m()
        m.cancel()
        with self.assertRaises(hotcell.SupervisorLost):
            m.report
        m.close()
        with self.assertRaises(hotcell.InternalError):
            m.report
        with self.assertRaises(hotcell.ClosedError):
            m()

    def test_after_an_answer(self):
        m = self.answering((_wire.REPLY, ONE))
        self.assertEqual(m(), 1)
        with self.assertRaises(hotcell.SupervisorLost):
            m()

    def test_between_question_and_answer(self):
        m = self.answering((_wire.QUESTION, support.golden("question")[8:]), on_operation=lambda o: True)
        with self.assertRaises(hotcell.SupervisorLost):
            m()


class Failed(FakeTest):
    def test_text_is_escaped(self):
        """What a model says reaches no terminal raw."""
        hostile = "a\x1b[2Jb\u202ec\nd\x9be"
        fields = {"type": "Evil", "message": hostile, "traceback": hostile, "file": "m.py", "line": 7}
        m = self.answering((_wire.FAILURE, support.failure(reason=hostile, **fields)), then=lambda p: p.closing())
        with self.assertRaises(hotcell.ModelError) as got:
            m()
        e = got.exception
        self.assertEqual(str(e), "a\\x1b[2Jb\\u202ec\nd\\x9be")
        self.assertEqual((e.message, e.traceback, e.type, e.file, e.line, e.reason), (hostile, hostile, "Evil", "m.py", 7, hostile))
        self.assertNotIn("\x1b", str(e.__cause__))
        m.close()

    def test_verdicts(self):
        for verdict, kind in (
            ("exception", hotcell.ModelError), ("invalid-result", hotcell.InvalidResult), ("policy-violation", hotcell.PolicyViolation),
            ("memory-limit", hotcell.MemoryLimit), ("wall-time-limit", hotcell.TimeLimit), ("cpu-time-limit", hotcell.TimeLimit),
            ("thread-limit", hotcell.ThreadLimit), ("recursion-limit", hotcell.RecursionLimit), ("output-limit", hotcell.OutputLimit),
            ("operation-limit", hotcell.OperationLimit), ("crash", hotcell.Crash), ("cancelled", hotcell.Cancelled),
            ("setup-error", hotcell.SetupError), ("internal-error", hotcell.InternalError),
        ):
            answers = [(_wire.FAILURE, support.failure(verdict)), (_wire.REPLY, ONE), (_wire.FAILURE, support.failure(verdict, True, source="kernel"))]
            m = self.answering(*answers, then=lambda p: p.closing())
            with self.assertRaises(kind) as got:
                m()
            self.assertEqual((type(got.exception), got.exception.verdict, got.exception.source, got.exception.ended), (kind, verdict, "model", False))
            self.assertEqual(m(), 1)
            for _ in range(3):  # the supervisor is asked once
                with self.assertRaises(kind) as got:
                    m()
                self.assertEqual((got.exception.verdict, got.exception.source, got.exception.ended), (verdict, "kernel", True))
            m.close()


class Questions(FakeTest):
    def asked(self, on_operation, *wants):
        decisions = []

        def ask(peer):
            for n in range(len(wants)):
                peer.send(_wire.QUESTION, support.golden("question")[8:], seq=n + 5)
                seq, payload = peer.want(_wire.DECISION)
                d = Decoder(payload)
                decisions.append((seq, d.text(), d.u32(), d.blob(), d.flag()))
                d.done()
            peer.send(_wire.REPLY, ONE)

        m = self.answering(ask, then=lambda p: p.closing(), on_operation=on_operation)
        self.assertEqual(m(), 1)
        m.close()
        self.assertEqual(decisions, [(n + 5, *want) for n, want in enumerate(wants)])

    def test_decisions(self):
        operations = []
        answers = iter((True, False, None, "allow", "kill", hotcell.Decision("deny", errno=2), hotcell.Decision("virtual", content=b"x", always=True)))

        def decide(operation):
            operations.append(operation)
            return next(answers)

        self.asked(
            decide, ("allow", 0, b"", False), ("deny", 0, b"", False), ("deny", 0, b"", False), ("allow", 0, b"", False), ("kill", 0, b"", False),
            ("deny", 2, b"", False), ("virtual", 0, b"x", True),
        )
        self.assertEqual(set(operations), {hotcell.Operation("open", "/etc/hosts", True, "openat")})

    def test_errors_deny(self):
        for answer in (ValueError("x"), "perhaps", 7, {}):

            def decide(operation, answer=answer):
                if isinstance(answer, Exception):
                    raise answer
                return answer

            with self.assertLogs("hotcell", "ERROR"):
                self.asked(decide, ("deny", 0, b"", False))

    def test_nobody_decides(self):
        self.asked(None, ("deny", 0, b"", False))

    def test_bad_decisions(self):
        for arguments in (("ask",), ("allow", -1), ("deny", 5000), ("virtual", 0, "text"), ("virtual", 0, bytes(1 << 20))):
            with self.assertRaises(ValueError):
                hotcell.Decision(*arguments)

    def test_report_of_a_model_that_waits(self):
        reports = []

        def ask(peer):
            peer.send(_wire.QUESTION, support.golden("question")[8:])
            peer.want(_wire.INQUIRE)
            peer.figures(b'{"verdict": "ok", "usage": {"operations": 1}}')
            peer.want(_wire.DECISION)
            peer.send(_wire.REPLY, ONE)

        m = self.answering(ask, then=lambda p: p.closing(), on_operation=lambda o: reports.append(m.report))
        self.assertEqual(m(), 1)
        self.assertEqual(reports[0].usage.operations, 1)
        m.close()

    def test_no_call_and_no_close_there(self):
        errors = []

        def decide(operation):
            for act in (m, m.close):
                try:
                    act()
                except hotcell.BusyError as e:
                    errors.append(e)

        def ask(peer):
            peer.send(_wire.QUESTION, support.golden("question")[8:])
            peer.want(_wire.DECISION)
            peer.send(_wire.REPLY, ONE)

        m = self.answering(ask, then=lambda p: p.closing(), on_operation=decide)
        self.assertEqual(m(), 1)
        self.assertEqual(len(errors), 2)
        m.close()


class Reports(FakeTest):
    def test_lies(self):
        for name, figures in {
            "no JSON": lambda p: p.figures(b"{"),
            "no object": lambda p: p.figures(b"[1]"),
            "deep": lambda p: p.figures(b'{"a":' * 100000 + b"1" + b"}" * 100000),
            "too short": lambda p: p.figures(b"{}", 1),
            "too long": lambda p: p.figures(b"{}", 3),
            "enormous": lambda p: p.figures(b"{}", 1 << 63),
            "no descriptor": lambda p: p.send(_wire.FIGURES, support.golden("figures")[8:]),
            "a reply": lambda p: p.send(_wire.REPLY, ONE),
        }.items():
            with self.subTest(name):
                m = self.model(lambda p: (p.launched(), p.want(_wire.INQUIRE), figures(p), p.want(_wire.CLOSE)))
                with self.assertRaises(hotcell.InternalError):
                    m.report
                m.close()

    def test_while_called(self):
        """The thread that calls takes the figures for the one that asks."""
        called = threading.Event()

        def answer(peer):
            called.set()
            peer.want(_wire.INQUIRE)
            peer.figures(b'{"n": 1}')
            peer.send(_wire.REPLY, ONE)
            peer.want(_wire.INQUIRE)
            peer.figures(b'{"n": 2}')

        m = self.answering(answer, then=lambda p: p.closing())
        results = []
        caller = threading.Thread(target=lambda: results.append(m()))
        caller.start()
        called.wait()
        self.assertEqual(m.report.n, 1)
        caller.join()
        self.assertEqual(results, [1])
        self.assertEqual(m.report["n"], 2)
        m.close()
        self.assertEqual(m.report, {"verdict": "ok"})

    def test_asked_when_a_call_ends(self):
        """The figures come when nobody receives any more: the one that asked does."""
        called, answered = threading.Event(), threading.Event()

        def answer(peer):
            called.set()
            peer.want(_wire.INQUIRE)
            peer.send(_wire.REPLY, ONE)
            answered.wait()
            peer.figures(b'{"n": 1}')

        m = self.answering(answer, then=lambda p: p.closing())
        caller = threading.Thread(target=lambda: (m(), answered.set()))
        caller.start()
        called.wait()
        self.assertEqual(m.report.n, 1)
        caller.join()
        m.close()

    def test_attributes(self):
        m = self.model(lambda p: (p.launched(), p.closing()))
        m.close()
        self.assertEqual(m.report.verdict, "ok")
        self.assertIn("verdict", dir(m.report))
        with self.assertRaises(AttributeError):
            m.report.nothing


if __name__ == "__main__":
    unittest.main()
