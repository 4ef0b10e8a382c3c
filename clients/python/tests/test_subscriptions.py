import asyncio
import unittest

import jackfield

from .scripted import client_of


class Subscriptions(unittest.IsolatedAsyncioTestCase):
    async def test_events_until_it_is_left(self):
        async def script(peer):
            for number in (7, 8):
                request = await peer.take()
                self.assertEqual(request["method"], "jackfield.subscribe")
                self.assertEqual(
                    request["params"],
                    {"topics": ["project.**", "x"], "last": True, "when_full": "drop", "where": {"series": "other"}},
                )
                await peer.answer(request, {"subscription": number})
                await peer.tell("jackfield.event", subscription=number, topic="project.images", data={"n": 1})
                await peer.tell("jackfield.event", subscription=99, topic="foreign", data=0)
                await peer.tell("jackfield.event", subscription=number, topic="x", data=None, dropped=3)
                request = await peer.take()
                self.assertEqual((request["method"], request["params"]), ("jackfield.unsubscribe", {"subscription": number}))
                await peer.tell("jackfield.event", subscription=number, topic="x", data="too late")
                await peer.answer(request, {"unsubscribed": True})

        expected = [jackfield.Event("project.images", {"n": 1}), jackfield.Event("x", None, 3)]
        async with client_of(script) as client:

            def subscribe():
                return client.subscribe("project.**", "x", last=True, where={"series": "other"})

            seen = []
            async for event in subscribe():
                seen.append(event)
                if len(seen) == 2:
                    break
            self.assertEqual(seen, expected)
            await asyncio.sleep(0.05)  # The loop's generator is closed by asyncio.
            async with subscribe() as events:
                self.assertEqual([await events.get(), await events.get()], expected)
                with self.assertRaises(jackfield.Timeout):
                    await events.get(timeout=0.02)
            self.assertEqual([event async for event in events], [])
            with self.assertRaises(jackfield.SubscriptionClosed):
                await events.get()

    async def test_closed_while_it_is_being_opened(self):
        seen = asyncio.Queue()

        async def script(peer):
            request = await peer.take()
            await asyncio.sleep(0.1)
            await peer.answer(request, {"subscription": 4})
            await peer.tell("jackfield.event", subscription=4, topic="t", data=0)
            request = await peer.take()
            seen.put_nowait(request["params"])
            await peer.answer(request, {"unsubscribed": True})

        async with client_of(script) as client:
            events = client.subscribe("t")
            first = asyncio.create_task(events.get())
            await asyncio.sleep(0.02)
            await events.close()
            with self.assertRaises(jackfield.SubscriptionClosed):
                await first
            self.assertEqual(await asyncio.wait_for(seen.get(), 5), {"subscription": 4})

    async def test_a_full_queue_drops_the_oldest_and_counts(self):
        async def script(peer):
            await peer.answer(await peer.take(), {"subscription": 1})
            for n in range(10):
                dropped = {"dropped": 5} if n == 2 else {}
                await peer.tell("jackfield.event", subscription=1, topic="t", data=n, **dropped)
            await peer.answer(await peer.take(), "all sent")
            await peer.answer(await peer.take(), {"unsubscribed": True})

        async with client_of(script) as client, client.subscribe("t", queue=3) as events:
            self.assertEqual(await client.call("sync"), "all sent")
            seen = [await events.get() for _ in range(3)]
        self.assertEqual([(event.data, event.dropped) for event in seen], [(7, 12), (8, 0), (9, 0)])

    async def test_who_chose_close_is_closed_by_either_side(self):
        async def script(peer):
            await peer.answer(await peer.take(), {"subscription": 1})
            for n in range(5):
                await peer.tell("jackfield.event", subscription=1, topic="t", data=n)
            request = await peer.take()
            self.assertEqual((request["method"], request["params"]), ("jackfield.unsubscribe", {"subscription": 1}))
            await peer.answer(request, {"unsubscribed": True})
            request = await peer.take()
            self.assertEqual(request["params"]["when_full"], "close")
            await peer.answer(request, {"subscription": 2})
            await peer.tell("jackfield.event", subscription=2, topic="t", data=0)
            await peer.tell("jackfield.event", subscription=2, closed=True, reason="1024 events waited")

        async def read(events):
            seen = []
            with self.assertRaises(jackfield.SubscriptionClosed) as closed:
                async for event in events:
                    seen.append(event.data)
                    await asyncio.sleep(0.05)
            return seen, str(closed.exception)

        async with client_of(script) as client:
            self.assertEqual(
                await read(client.subscribe("t", when_full="close", queue=3)), ([0, 1, 2], "3 events waited to be read")
            )
            self.assertEqual(await read(client.subscribe("t", when_full="close")), ([0], "1024 events waited"))

    async def test_a_refusal_is_told(self):
        async def script(peer):
            for _ in range(2):
                await peer.fail(await peer.take(), -32002, "not for you")

        async with client_of(script) as client:
            with self.assertRaises(jackfield.Forbidden):
                async for _ in client.subscribe("secret"):
                    pass
            with self.assertRaises(jackfield.Forbidden):
                async with client.subscribe("secret"):
                    pass

    async def test_who_stops_waiting_for_it_leaves_none_behind(self):
        seen = asyncio.Queue()

        async def script(peer):
            request = await peer.take()
            await asyncio.sleep(0.1)
            await peer.answer(request, {"subscription": 4})
            seen.put_nowait(await peer.take())

        async with client_of(script) as client:
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(client.subscribe("t").get(), 0.02)
            self.assertEqual((await asyncio.wait_for(seen.get(), 5))["params"], {"subscription": 4})
