"""The asyncio twin: awaiting, cancellation, many at once."""

import asyncio
import threading
import unittest

import hotcell
import hotcell.aio
import numpy as np
import support

ENDLESS = "def model(n=1):\n    print('running', flush=True)\n    while n:\n        pass\n    return 5\n"


class Aio(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.hc = await hotcell.aio.start()

    async def asyncTearDown(self):
        await self.hc.close()

    async def test_session(self):
        async with hotcell.aio.start() as hc:
            x = hc.array(np.arange(2000.0))
            async with hc.launch(support.DOUBLE, memory="64M") as m:
                y = await m(x=x[10:])
                self.assertEqual(y[0], 20)
                self.assertEqual(await m.call({"x": 4}, timeout=20), 8)
                self.assertEqual((await m.report()).limits.memory_bytes, 64 << 20)
                with self.assertRaises(hotcell.ModelError):
                    await m(x={})
            self.assertEqual((await m.report()).reason, "closed by the host")
            self.assertTrue(hc.version)
            self.assertEqual(hc.empty(2).tolist(), [0, 0])
        self.assertEqual(y[1989], 3998)
        with self.assertRaises(hotcell.ClosedError):
            await m(x=1)

    async def test_await(self):
        m = await self.hc.launch(support.DOUBLE)
        self.assertEqual(await m(x=2), 4)
        self.assertIn("hotcell.aio.Model", repr(m))
        await m.close()

    async def test_the_loop_goes_on(self):
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticker = asyncio.ensure_future(tick())
        async with self.hc.launch("def model():\n    return sum(range(10 ** 6))\n") as m:
            before = ticks
            await m()
            self.assertGreater(ticks, before)
        ticker.cancel()

    async def test_cancelled_call(self):
        running = asyncio.Event()
        loop = asyncio.get_running_loop()
        m = await self.hc.launch(ENDLESS, stdout=lambda text: loop.call_soon_threadsafe(running.set), timeout=60)
        call = asyncio.ensure_future(m())
        await running.wait()
        with self.assertRaises(hotcell.BusyError):
            await m()
        call.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await call
        # The call has ended: the model is free to say so.
        with self.assertRaises(hotcell.Cancelled):
            await m(n=0)
        await m.close()
        self.assertEqual((await m.report()).verdict, "cancelled")

    async def test_timeout(self):
        running = asyncio.Event()
        loop = asyncio.get_running_loop()
        m = await self.hc.launch(ENDLESS, stdout=lambda text: loop.call_soon_threadsafe(running.set), timeout=60)
        with self.assertRaises(asyncio.TimeoutError):
            await asyncio.wait_for(m(), 0.05)
        with self.assertRaises(hotcell.Cancelled):
            await m()
        await m.close()

    async def test_cancel(self):
        running = asyncio.Event()
        loop = asyncio.get_running_loop()
        m = await self.hc.launch(ENDLESS, stdout=lambda text: loop.call_soon_threadsafe(running.set), timeout=60)
        call = asyncio.ensure_future(m())
        await running.wait()
        m.cancel()
        with self.assertRaises(hotcell.Cancelled):
            await call
        await m.close()

    async def test_cancelled_launch(self):
        """A launch ends with its task, wherever it is; nothing stays."""
        running = asyncio.Event()
        loop = asyncio.get_running_loop()
        source = "print('x', flush=True)\nwhile True: pass\n\ndef model(): pass\n"
        launch = asyncio.ensure_future(self.launched(source, stdout=lambda text: loop.call_soon_threadsafe(running.set), timeout=60))
        await running.wait()
        launch.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await launch
        launch = asyncio.ensure_future(self.launched(support.DOUBLE))
        await asyncio.sleep(0)
        launch.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await launch
        self.assertEqual(await self.hc.run(support.DOUBLE, x=2), 4)

    async def launched(self, source, **options):
        return await self.hc.launch(source, **options)

    async def test_run_and_map(self):
        self.assertEqual(await self.hc.run(support.DOUBLE, {"memory": "64M"}, x=2), 4)
        x = self.hc.array(np.arange(6000.0))
        got = await self.hc.map("def model(x):\n    return float(x[0])\n", [{"x": x[i * 1000 : (i + 1) * 1000]} for i in range(6)], concurrency=3)
        self.assertEqual(got, [float(i * 1000) for i in range(6)])
        source = "def model(n):\n    while n == 9: pass\n    return 6 // n\n"
        got = await self.hc.map(source, [{"n": 1}, {"n": 0}], return_exceptions=True)
        self.assertEqual((got[0], got[1].type), (6, "ZeroDivisionError"))
        self.assertGreater(got[1].report.usage.wall_seconds, 0)
        with self.assertRaises(hotcell.ModelError):
            await self.hc.map(source, [{"n": 9}, {"n": 0}, {"n": 9}], concurrency=2, timeout=60)
        with self.assertRaises(ValueError):
            await self.hc.map(source, [], concurrency=0)

    async def test_on_operation(self):
        source = "def model(path):\n    with open(path) as f:\n        return f.read()\n"

        async def decide(operation):
            await asyncio.sleep(0)
            return hotcell.Decision("virtual", content=operation.target.encode())

        async with self.hc.launch(source, on_operation=decide) as m:
            self.assertEqual(await m(path="/a"), "/a")
        async with self.hc.launch(source, on_operation=lambda o: hotcell.Decision("virtual", content=threading.current_thread().name[:11].encode())) as m:
            self.assertEqual(await m(path="/a"), "hotcell-aio")

    async def test_many(self):
        async def one(n):
            async with self.hc.launch(support.DOUBLE) as m:
                return [await m(x=i) for i in range(n)]

        got = await asyncio.gather(*map(one, range(6)))
        self.assertEqual(got, [[2 * i for i in range(n)] for n in range(6)])

    async def test_start_fails(self):
        with self.assertRaises(hotcell.SetupError):
            await hotcell.aio.start("/no/such/binary")
        with self.assertRaises(hotcell.SetupError):
            async with hotcell.aio.start("/bin/false"):
                pass


if __name__ == "__main__":
    unittest.main()
