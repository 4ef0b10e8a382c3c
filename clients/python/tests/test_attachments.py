import asyncio
import unittest

import jackfield

from .scripted import client_of


class Attachments(unittest.IsolatedAsyncioTestCase):
    async def test_bytes_in_params_are_sent_beside_them(self):
        async def script(peer):
            request = await peer.take()
            self.assertEqual(
                request["params"], {"list": [{"$attachment": 1}, {"$attachment": 2}], "file": {"$attachment": 3}}
            )
            self.assertEqual(request["blobs"], [b"given", b"a", b"\1\0\2\0", b"png"])
            self.assertEqual(request["attachment_info"], [{}, {}, {}, {"name": "a.png", "content_type": "image/png"}])
            await peer.answer(request, "Ok")
            request = await peer.take()
            self.assertEqual((request["blobs"], "attachment_info" in request), ([b"plain"], False))
            await peer.answer(request, "Ok")

        view = memoryview(bytearray(b"\1\0\2\0")).cast("H")
        file = jackfield.Attachment(b"png", "a.png", "image/png")
        async with client_of(script) as client:
            await client.call("x", attachments=[b"given"], list=[bytearray(b"a"), view], file=file)
            await client.call("y", [b"plain"])

    async def test_results_have_them_at_their_places(self):
        info = [{"name": "a.jpg", "content_type": "image/jpeg"}, None]
        stray = [{"$attachment": 2}, {"$attachment": "0"}, {"$attachment": 0, "more": 1}]

        async def script(peer):
            await peer.answer(
                await peer.take(), {"blob": {"$attachment": 0}, "rest": stray}, b"one", b"two", attachment_info=info
            )
            await peer.answer(await peer.take(), {"$attachment": 0})

        async with client_of(script) as client:
            call = client.start("project.blob", id="a")
            result = await call
            self.assertEqual(result, {"blob": b"one", "rest": stray})
            self.assertEqual((result["blob"].name, result["blob"].content_type), ("a.jpg", "image/jpeg"))
            self.assertEqual(call.attachments, [b"one", b"two"])
            self.assertEqual((call.attachments[1].name, call.attachments[1].content_type), (None, None))
            self.assertEqual(await client.call("echo"), {"$attachment": 0})

    async def test_calls_at_once_do_not_mix_their_messages(self):
        blob = bytes(300_000)

        async def script(peer):
            for _ in range(20):
                request = await peer.take()
                self.assertEqual([len(blob) for blob in request["blobs"]], [300_000] * 3)
                if request["params"]["n"] != 7:
                    await peer.answer(request, request["params"]["n"], *request["blobs"])

        async with client_of(script) as client:
            calls = [asyncio.create_task(client.call("x", n=n, files=[blob] * 3)) for n in range(20)]
            await asyncio.sleep(0)
            calls[7].cancel()  # Its messages are sent as a whole, or not at all.
            done = await asyncio.gather(*calls, return_exceptions=True)
        self.assertEqual([n for n in done if isinstance(n, int)], [n for n in range(20) if n != 7])
