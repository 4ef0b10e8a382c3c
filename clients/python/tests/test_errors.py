import asyncio
import time
import unittest

import jackfield

from .scripted import client_of, served

TABLE = {
    -32700: "Malformed",
    -32600: "InvalidRequest",
    -32601: "UnknownKey",
    -32602: "InvalidParams",
    -32603: "Internal",
    -32001: "Unauthenticated",
    -32002: "Forbidden",
    -32003: "Busy",
    -32004: "Cancelled",
    -32005: "Deadline",
    -32006: "TooLarge",
    -32010: "PluginFailed",
    -32011: "PluginPanicked",
    -32012: "PluginCrashed",
    -32013: "PluginGone",
    -32014: "OutcomeUnknown",
    -32015: "Cycle",
    -32016: "Unavailable",
    -32017: "ShuttingDown",
}


class Errors(unittest.IsolatedAsyncioTestCase):
    async def test_each_number_has_its_class(self):
        data = {"culprit": "plugin", "plugin": "image", "generation": 3, "code": 7, "details": {"path": "a"}}

        async def script(peer):
            for code in [*TABLE, -32099]:
                await peer.fail(await peer.take(), code, f"text of {code}", data)

        async with client_of(script) as client:
            for code, name in TABLE.items():
                with self.assertRaises(getattr(jackfield, name)) as raised:
                    await client.call("x")
                error = raised.exception
                self.assertEqual((error.code, str(error), error.message), (code, f"text of {code}", f"text of {code}"))
                self.assertEqual(error.name.replace("_", "").lower(), name.lower())
                self.assertEqual((error.culprit, error.plugin, error.data), ("plugin", "image", data))
            with self.assertRaises(jackfield.JackfieldError) as raised:
                await client.call("x")
            self.assertEqual((type(raised.exception), raised.exception.code), (jackfield.JackfieldError, -32099))

    async def test_what_waits_ends_with_the_connection_and_so_does_what_comes_later(self):
        async def script(peer):
            subscribe = await peer.take()
            await peer.answer(subscribe, {"subscription": 1})
            await peer.tell("jackfield.event", subscription=1, topic="t", data=1)
            for _ in range(3):
                await peer.take()
            peer.socket.transport.abort()

        async with served(script) as url:
            client = await jackfield.connect(url)
            async with client.subscribe("t") as events:
                self.assertEqual((await events.get()).data, 1)
                begun = time.monotonic()
                waiting = [client.call("a"), client.call("b", progress=print), events.get(), client.batch([("c", {})])]
                a, b, event, batch = await asyncio.gather(*waiting, return_exceptions=True)
                self.assertLess(time.monotonic() - begun, 2)
                for error in (a, b, event, batch[0]):
                    self.assertIsInstance(error, jackfield.ConnectionLost)
                    self.assertIn(url, str(error))
                self.assertIn("with 'a' in flight: its outcome is unknown", str(a))
                for work in (client.call("later"), client.notify("later"), client.batch([("later", {})])):
                    with self.assertRaises(jackfield.NotConnected) as raised:
                        await work
                    self.assertNotIsInstance(raised.exception, jackfield.ConnectionLost)
                    self.assertIn("connect again", str(raised.exception))
            await client.close()
            await client.close()

    async def test_closed_by_either_side(self):
        async def script(peer):
            if (await peer.take())["method"] == "a":
                await peer.socket.close(1001, "stopping")

        async with served(script) as url:
            async with jackfield.connect(url) as client:
                with self.assertRaisesRegex(jackfield.ConnectionLost, "1001.*stopping"):
                    await client.call("a")
            client = await jackfield.connect(url)
            call = client.start("b")
            await asyncio.sleep(0.05)
            await client.close()
            with self.assertRaisesRegex(jackfield.ConnectionLost, "closed by this client"):
                await call

    async def test_refused_under_a_large_message(self):
        async def script(peer):
            await peer.socket.recv()
            await peer.socket.recv()  # The server has a limit, and closes.

        async with served(script, max_size=1 << 20) as url, jackfield.connect(url) as client:
            with self.assertRaisesRegex(jackfield.ConnectionLost, "1009"):
                await client.call("x", file=bytes(30 << 20))
            with self.assertRaises(jackfield.NotConnected):
                await client.call("x")

    async def test_no_server(self):
        async with served(None) as url:
            pass
        for wrong in (url, "http://127.0.0.1/", "ws://127.0.0.1:1"):
            with self.assertRaises(jackfield.NotConnected) as raised:
                await jackfield.connect(wrong)
            self.assertIn(wrong, str(raised.exception))
            self.assertIsInstance(raised.exception, ConnectionError)

    async def test_malformed_answers_fail_their_call_and_no_other(self):
        wrong = [
            {},
            {"result": 1, "error": {"code": 1, "message": ""}},
            {"error": 5},
            {"error": {"code": "1", "message": ""}},
            {"error": {"code": 1}},
            {"result": 1, "attachments": -1},
            {"result": 1, "attachments": "2"},
            {"result": 1, "attachments": [{"$base64": "YQ=="}, {"$base64": "?"}]},
            {"result": 1, "attachments": [1]},
            {"result": 1, "attachments": 1},
        ]

        async def script(peer):
            other = await peer.take()
            for answer in wrong:
                await peer.send({"jsonrpc": "2.0", "id": (await peer.take())["id"], **answer})
                # Answers to ids that nobody knows, unknown notifications and events, and params that are none.
                for ignored in ({"id": 12345, "result": 1}, {"id": "1", "result": 1}, {"id": [1], "result": 1}):
                    await peer.send(ignored)
                for ignored in (
                    {"method": "new", "params": 1},
                    {"method": "jackfield.event"},
                    {"method": ["x"], "params": {}},
                ):
                    await peer.send(ignored)
            await peer.answer(other, "Ok")

        async with client_of(script) as client:
            other = client.start("other")
            for _ in wrong:
                with self.assertRaises(jackfield.ProtocolError):
                    await asyncio.wait_for(client.call("x"), 5)
            self.assertEqual(await other, "Ok")

    async def test_a_message_that_belongs_to_nobody_fails_all_who_wait(self):
        wrong = ["{", "[" * 100_000, "5", '"x"', "[5]", "{}", b"binary", '{"id": null}']
        refusal = {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "Malformed JSON message."}}

        async def script(peer):
            for message in [*wrong, refusal]:
                await peer.take()
                await peer.take()
                await peer.send(message)
            await peer.answer(await peer.take(), "Ok")

        with self.assertLogs("jackfield", "WARNING") as logs:
            async with client_of(script) as client:
                for kind in [jackfield.ProtocolError] * len(wrong) + [jackfield.Malformed]:
                    both = asyncio.gather(client.call("a"), client.call("b"), return_exceptions=True)
                    for error in await asyncio.wait_for(both, 5):
                        self.assertIs(type(error), kind)
                self.assertEqual(await client.call("c"), "Ok")
        self.assertEqual(len(logs.output), len(wrong) + 1)
