"""What the client says to its supervisor: launches and requests, byte for byte where it matters."""

import gc
import os
import unittest

import hotcell
import numpy as np
import support
from hotcell import _wire
from hotcell._wire import Ref
from support import FakeTest

ONE = support.reply([("result", 1)])


class Said(FakeTest):
    def test_launch(self):
        frames = []
        original = _wire.launch_frame
        self.addCleanup(setattr, _wire, "launch_frame", original)
        _wire.launch_frame = lambda m: frames.append(m) or original(m)
        here = os.getcwd()
        self.model(
            lambda p: (p.launched(), p.closing()), function="f", memory=1 << 20, timeout=1.5, cpu_time="1m30s", cpus=0.5, threads=3,
            recursion=100, max_output="1K", max_log=7, scratch="1M", max_operations=9, max_file=5, modules=["scipy", "re"], read=["data"],
            write=["/tmp/x"], policy="p.toml", env={"TZ": "UTC"}, seed=7, interpreter="./python", on_operation=lambda o: None, name="n",
        ).close()
        (m,) = frames
        self.assertEqual((m.function, m.interpreter, m.env, m.seed, m.follow, m.ask), ("f", here + "/python", ["TZ=UTC"], 7, False, True))
        self.assertEqual(m.options, [
            "memory=1048576", "timeout=1500000000ns", "cpu-time=90000000000ns", "cpus=0.5", "threads=3", "recursion=100", "max-output=1K",
            "max-log=7", "scratch=1M", "max-operations=9", "max-file=5", "module=scipy", "module=re", f"read={here}/data", "write=/tmp/x",
            f"policy={here}/p.toml", "ask=true",
        ])
        self.assertEqual(m.files, [_wire.File("", "n", False, 0, len(support.DOUBLE))])

    def test_regions(self):
        """Memory is passed once and named later, and forgotten when its arrays are gone."""
        m = self.answering(*[(_wire.REPLY, ONE)] * 8, then=lambda p: p.closing())
        hc = m._supervisor
        x, y = hc.array(np.arange(1000.0)), hc.array(np.arange(10))
        m(x=x)
        m(x=x, y=y)
        m(x=x[10:20], y=y, z=x)
        m(a=y, b=x.reshape(10, 100).T, c=x[5:5])
        first, other = self.requests[0].regions[0], self.requests[1].regions[1].number
        self.assertEqual(first[1:], (8000, True))
        self.assertEqual([r.passed for r in self.requests[1].regions], [False, True])
        self.assertEqual(self.requests[2].args, {"x": Ref("<f8", (10,), 80), "y": Ref("<i8", (10,), 0), "z": Ref("<f8", (1000,), 0)})
        self.assertEqual([r.passed for r in self.requests[2].regions], [False] * 3)
        self.assertEqual(self.requests[3].args["b"], Ref("<f8", (100, 10), 0, True))
        self.assertEqual(self.requests[3].regions[2][1:], (0, True))
        self.assertEqual([r.forget for r in self.requests], [[]] * 4)
        del x
        gc.collect()
        m(y=y)
        self.assertEqual(self.requests[4].forget, [first.number])
        m(y=y)
        self.assertEqual(self.requests[5].forget, [])
        view = y[3:]
        del y
        gc.collect()
        m()
        self.assertEqual(self.requests[6].forget, [])
        del view
        gc.collect()
        m()
        self.assertEqual(self.requests[7].forget, [other])
        m.close()

    def test_passed_again_after_a_refusal(self):
        refusal = (_wire.FAILURE, support.failure("setup-error", reason="unknown input x"))
        m = self.answering(refusal, (_wire.REPLY, ONE), then=lambda p: p.closing())
        x = m._supervisor.array(np.arange(3.0))
        with self.assertRaises(hotcell.SetupError):
            m(x=x)
        m(x=x)
        self.assertEqual([r.regions[0].passed for r in self.requests], [True, True])
        m.close()

    def test_staging(self):
        """Inputs that lie in no shared memory are copied into memory that is kept."""
        m = self.answering(*[(_wire.REPLY, ONE)] * 7, then=lambda p: p.closing())
        for x in (np.arange(100.0), np.arange(100) * 2, np.zeros((100, 2))[:, 0], np.arange(50.0), np.arange(60.0), np.arange(2000.0), np.arange(2000.0)):
            m(x=x)
        r = [q.regions[0] for q in self.requests]
        self.assertEqual([n.size for n in r], [800, 800, 800, 4096, 4096, 16384, 16384])
        self.assertEqual([n.passed for n in r], [True, False, False, True, False, True, False])
        self.assertEqual([q.forget for q in self.requests], [[], [], [], [r[0].number], [], [r[3].number], []])
        m.close()

    def test_release(self):
        fd, memory = support.region(bytes(8192))
        held = [("result", Ref("<f8", (1000,), 0))]
        m = self.answering(
            (_wire.REPLY, support.reply(held, 5, 8192, True), [fd]), (_wire.REPLY, ONE), (_wire.REPLY, support.reply(held, 5, 8192)),
            (_wire.REPLY, ONE), (_wire.REPLY, ONE), then=lambda p: p.closing(),
        )
        y = m()
        m()
        del y
        gc.collect()
        y = m()
        m()
        del y
        gc.collect()
        m()
        self.assertEqual([r.release for r in self.requests], [[], [], [5], [], [5]])
        m.close()

    def test_out_and_timeout(self):
        m = self.answering(*[(_wire.REPLY, ONE)] * 4, then=lambda p: p.closing(), out={"y": ((2, 3), "f4")})
        m(timeout=0.5)
        m(timeout="1ms", out={"z": (4, np.int8), "s": ((), "<M8[s]")})
        m()
        m(out={})
        self.assertEqual([r.timeout for r in self.requests], [500000000, 1000000, 0, 0])
        self.assertEqual(self.requests[0].out, [("y", Ref("<f4", (2, 3), 0))])
        self.assertEqual(self.requests[1].out, [("z", Ref("|i1", (4,), 0)), ("s", Ref("<M8[s]", (), 0))])
        self.assertEqual([r.out for r in self.requests[2:]], [self.requests[0].out, []])
        m.close()

    def test_requests_are_used_again(self):
        """A call like the one before is the same bytes, but what changed in place is seen."""
        m = self.answering(*[(_wire.REPLY, ONE)] * 6, then=lambda p: p.closing())
        x = m._supervisor.array(np.arange(12))
        plans = []
        for change in (
            lambda: None, lambda: None, lambda: setattr(x, "shape", (3, 4)), lambda: setattr(x, "strides", (8, 24)), lambda: setattr(x, "dtype", "u8"),
            lambda: None,
        ):
            change()
            m(x=x, n=5, t="a")
            plans.append(m._plan)
        self.assertEqual([p is q for p, q in zip(plans, plans[1:])], [True, False, False, False, True])
        self.assertEqual([r.args["x"] for r in self.requests][1:], [
            Ref("<i8", (12,), 0), Ref("<i8", (3, 4), 0), Ref("<i8", (3, 4), 0, True), Ref("<u8", (3, 4), 0, True), Ref("<u8", (3, 4), 0, True),
        ])
        m.close()

    def test_changing_values(self):
        """Of a request like the one before only what is different is encoded; an error in between changes nothing."""
        m = self.answering(*[(_wire.REPLY, ONE)] * 9, then=lambda p: p.closing())
        x = m._supervisor.array(np.arange(3))
        calls = [{"a": a, "b": b, "x": x} for a, b in ((1, "s"), (2, "s"), (2.5, "t"), (True, None), (1, "s"), ("u" * 100, 1 << 80))]
        for inputs in calls:
            m(**inputs)
            plan = m._plan
        self.assertEqual([{k: v for k, v in r.args.items() if k != "x"} for r in self.requests], [{"a": c["a"], "b": c["b"]} for c in calls])
        self.assertIs(type(self.requests[3].args["a"]), bool)
        for bad, error in (({"a": 7, "b": {1}}, TypeError), ({"a": 7, "b": "x" * 70000}, ValueError), ({"a": 7, "b": "y" * 70000}, ValueError)):
            with self.assertRaises(error):
                m(**bad, x=x)
        m(a=7, b="v", x=x)
        m(a=np.int8(8), b=np.float32(0.5), x=x)
        m(a=7, b=np.arange(2), x=x)
        self.assertEqual([r.args["a"] for r in self.requests[6:]], [7, 8, 7])
        self.assertEqual([r.args["b"] for r in self.requests[6:]], ["v", 0.5, Ref("<i8", (2,), 0)])
        self.assertEqual([len(r.regions) for r in self.requests[6:]], [1, 1, 2])
        self.assertIsNot(m._plan, plan)
        m.close()

    def test_lists_are_encoded_each_time(self):
        """What may change unseen inside is looked at in every call."""

        def answer(peer):
            payloads.append(peer.want(_wire.REQUEST)[1])
            peer.send(_wire.REPLY, ONE)

        payloads, changing = [], [1]
        m = self.model(lambda p: (p.launched(), answer(p), answer(p), p.closing()))
        m(n=changing)
        changing.append(2)
        m(n=changing)
        m.close()
        self.assertNotEqual(*payloads)

    def test_refused_inputs_change_nothing(self):
        m = self.answering((_wire.REPLY, ONE), then=lambda p: p.closing())
        x = m._supervisor.array(np.arange(3.0))
        for inputs, error in (
            ({"x": x, "y": object()}, TypeError), ({"x": x, "y": np.array([object()])}, TypeError), ({"x": x, "y": np.ma.array([1])}, TypeError),
            ({"x": x, "y": [x]}, TypeError), ({"x": x, "y": "a" * 70000}, ValueError), ({"x": x, "y": {1}}, TypeError),
            ({"x": x, **{f"a{i}": np.zeros(1) for i in range(128)}}, ValueError), ({"x": x, "y": np.longdouble(1)}, TypeError),
        ):
            with self.assertRaises(error):
                m(**inputs)
        with self.assertRaises(ValueError):
            m(timeout=0)
        with self.assertRaises(TypeError):
            m(timeout=True)
        with self.assertRaises(TypeError):
            m.call({1: 2})
        m(x=x)
        self.assertEqual([r.passed for r in self.requests[0].regions], [True])
        m.close()


if __name__ == "__main__":
    unittest.main()
