import asyncio
import json
import unittest

import jackfield

from .scripted import client_of, served


class Calls(unittest.IsolatedAsyncioTestCase):
    async def test_params_by_name_in_one_argument_and_none(self):
        async def script(peer):
            for _ in range(4):
                request = await peer.take()
                await peer.answer(request, [request["jsonrpc"], request["method"], request["params"]])

        async with client_of(script) as client:
            self.assertEqual(
                await client.call("a", n=1, key="k", params=[2]), ["2.0", "a", {"n": 1, "key": "k", "params": [2]}]
            )
            self.assertEqual(await client.call("a.b", {"timeout": 3}), ["2.0", "a.b", {"timeout": 3}])
            self.assertEqual(await client.call("c", ["ü", None]), ["2.0", "c", ["ü", None]])
            self.assertEqual(await client.call("d"), ["2.0", "d", {}])
            for wrong, kind in [
                ({"x": float("nan")}, ValueError),
                ({"x": "\ud800"}, ValueError),
                ({"x": object()}, TypeError),
            ]:
                with self.assertRaises(kind):
                    await client.call("e", wrong)
            with self.assertRaises(TypeError):
                await client.call("e", {"a": 1}, b=2)

    async def test_params_that_are_neither_by_name_nor_by_position_are_not_sent(self):
        async def script(peer):
            for _ in range(2):
                request = await peer.take()
                await peer.answer(request, [request["method"], request["params"]])

        async with client_of(script) as client:
            for wrong in (5, 0, False, 1.5, "text", ""):
                for work in (client.call("echo", wrong), client.notify("echo", wrong), client.batch([("echo", wrong)])):
                    with self.assertRaisesRegex(TypeError, rf"'echo' are a dict .* a list .* None, not {type(wrong).__name__}$"):
                        await work
            self.assertEqual(await client.call("none", None), ["none", {}])
            self.assertEqual(await client.call("pair", (1, 2)), ["pair", [1, 2]])

    async def test_answers_come_in_any_order(self):
        async def script(peer):
            requests = [await peer.take() for _ in range(3)]
            for request in reversed(requests):
                await peer.answer(request, request["params"]["n"])

        async with client_of(script) as client:
            self.assertEqual(await asyncio.gather(*(client.call("echo", n=n) for n in range(3))), [0, 1, 2])

    async def test_progress_is_told_to_its_call(self):
        async def script(peer):
            request, other = await peer.take(), await peer.take()
            self.assertNotIn("progress", other)
            token = request["progress"]
            await peer.tell("jackfield.progress", progress=token, done=1, total=0, text="begun")
            for wrong in ("p999", f"p{other['id']}", "x", "", 7, None, [token]):
                await peer.tell("jackfield.progress", progress=wrong, done=5, total=5, text="not mine")
            await peer.tell("jackfield.progress", progress=token, done=2, total=2, text="ended")
            await peer.answer(request, "Ok")
            await peer.answer(other, "Ok")

        told = []
        async with client_of(script) as client:
            await asyncio.gather(client.call("long", progress=told.append), client.call("other"))
        self.assertEqual(told, [(1, 0, "begun"), (2, 2, "ended")])
        self.assertEqual(told[0].text, "begun")

    async def test_cancel_asks_the_server_and_its_word_counts(self):
        async def script(peer):
            for late in (False, True):
                request, cancel = await peer.take(), await peer.take()
                self.assertEqual((cancel["method"], cancel["params"]), ("jackfield.cancel", {"id": request["id"]}))
                await peer.answer(cancel, {"cancelled": not late})
                await (peer.answer(request, "Ok") if late else peer.fail(request, -32004))

        async with client_of(script) as client:
            call = client.start("long")
            self.assertTrue(await call.cancel())
            with self.assertRaises(jackfield.Cancelled):
                await call
            self.assertFalse(await call.cancel())
            call = client.start("long")
            self.assertFalse(await call.cancel())
            self.assertEqual(await call, "Ok")

    async def test_who_no_longer_waits_cancels(self):
        seen = []

        async def script(peer):
            for _ in range(4):
                request = await peer.take()
                if "progress" in request:
                    await peer.tell("jackfield.progress", progress=request["progress"], done=0, total=0, text="")
                cancel = await peer.take()
                seen.append((cancel["method"], cancel["params"]["id"] == request["id"]))
                await peer.answer(cancel, {"cancelled": True})
                await peer.fail(request, -32004)
            await peer.answer(await peer.take(), "still there")

        def stop(progress):
            raise LookupError("enough")

        async with client_of(script) as client:
            task = asyncio.create_task(client.call("long"))
            await asyncio.sleep(0.05)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(client.call("long"), 0.05)
            with self.assertRaises(jackfield.Timeout) as late:
                await client.call("long", timeout=0.05)
            self.assertEqual(late.exception.message, "no answer to 'long' within 0.05 s")
            with self.assertRaises(LookupError):
                await client.call("long", progress=stop)
            self.assertEqual(await client.call("echo"), "still there")
        self.assertEqual(seen, [("jackfield.cancel", True)] * 4)

    async def test_a_cancel_goes_out_before_the_end(self):
        seen = asyncio.Queue()

        async def script(peer):
            while True:
                seen.put_nowait((await peer.take())["method"])

        async with served(script) as url:
            with self.assertRaises(asyncio.TimeoutError):
                async with jackfield.connect(url) as client:
                    await asyncio.wait_for(client.call("long"), 0.05)
            self.assertEqual([await asyncio.wait_for(seen.get(), 5) for _ in range(2)], ["long", "jackfield.cancel"])

    async def test_batch(self):
        async def script(peer):
            requests = await peer.take()
            self.assertEqual([request["method"] for request in requests], ["a", "b", "c"])
            a, b, c = (request["id"] for request in requests)
            error = {"code": -32601, "message": "no 'b'"}
            # In a batch attachments stand in the text; were they behind it, then in the order of the answers.
            answers = [
                {"jsonrpc": "2.0", "id": c, "result": {"$attachment": 0}, "attachments": 1},
                {"jsonrpc": "2.0", "id": b, "error": error},
                {
                    "jsonrpc": "2.0",
                    "id": a,
                    "result": [{"$attachment": 1}],
                    "attachments": [{"$base64": "YTA="}, {"$base64": "YTE="}],
                },
            ]
            await peer.send(json.dumps(answers), b"c0")

        async with client_of(script) as client:
            a, b, c = await client.batch([("a", {"n": 1}), ("b", None), ("c", [])])
            self.assertEqual((a, c), ([b"a1"], b"c0"))
            self.assertIsInstance(b, jackfield.UnknownKey)
            self.assertEqual(await client.batch([]), [])
            with self.assertRaises(ValueError):
                await client.batch([("a", {"file": b"bytes"})])

    async def test_a_large_batch_goes_in_several_messages(self):
        sizes = []

        async def script(peer):
            batches = [await peer.take() for _ in range(3)]
            sizes.extend(map(len, batches))
            for requests in reversed(batches):
                await peer.send([{"jsonrpc": "2.0", "id": r["id"], "result": r["params"]["n"]} for r in reversed(requests)])
            await peer.answer(await peer.take(), "next")

        async with client_of(script) as client:
            self.assertEqual(await client.batch(("echo", {"n": n}) for n in range(150)), list(range(150)))
            self.assertEqual(await client.call("next"), "next")
        self.assertEqual(sizes, [64, 64, 22])

    async def test_notifications_have_no_id(self):
        async def script(peer):
            request = await peer.take()
            self.assertEqual((request["method"], request["params"], "id" in request), ("log", {"text": "a"}, False))
            request = await peer.take()
            self.assertEqual((request["method"], request["params"]), ("jackfield.publish", {"topic": "t", "data": [1]}))
            await peer.answer(request, None)

        async with client_of(script) as client:
            await client.notify("log", text="a")
            await client.publish("t", [1])


if __name__ == "__main__":
    unittest.main()
