import asyncio
import queue
import signal
import threading
import time
import unittest

import jackfield

from .scripted import served


class Blocking(unittest.TestCase):
    """The server runs in a thread, the client is used from this one."""

    def serve(self, script):
        url, self.done = queue.Queue(), threading.Event()

        async def main():
            async with served(script) as address:
                url.put(address)
                while not self.done.is_set():
                    await asyncio.sleep(0.01)

        thread = threading.Thread(target=asyncio.run, args=[main()])
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.done.set)
        return url.get(timeout=5)

    def test_the_same_abilities(self):
        async def script(peer):
            request = await peer.take()
            await peer.tell("jackfield.progress", progress=request["progress"], done=1, total=2, text="half")
            await peer.answer(request, {"$attachment": 0}, request["blobs"][0], b"more")
            request, cancel = await peer.take(), await peer.take()
            await peer.answer(cancel, {"cancelled": True})
            await peer.fail(request, -32004)
            (request,) = await peer.take()
            await peer.send([{"jsonrpc": "2.0", "id": request["id"], "result": 5}])
            self.assertEqual((await peer.take())["method"], "note")
            await peer.answer(await peer.take(), None)
            await peer.fail(await peer.take(), -32601)
            for number in (1, 2):
                await peer.answer(await peer.take(), {"subscription": number})
                await peer.tell("jackfield.event", subscription=number, topic="t", data="first")
                request = await peer.take()
                self.assertEqual(request["params"], {"subscription": number})
                await peer.answer(request, {"unsubscribed": True})
            await peer.take()

        told = []
        with jackfield.connect_blocking(self.serve(script)) as client:
            call = client.start("x", file=b"one", progress=told.append)
            self.assertEqual((call.result(), call.attachments, call.done()), (b"one", [b"one", b"more"], True))
            self.assertEqual(told, [(1, 2, "half")])
            call = client.start("long")
            self.assertTrue(call.cancel())
            self.assertRaises(jackfield.Cancelled, call.result)
            self.assertEqual(client.batch([("five", {})]), [5])
            client.notify("note", text="a")
            client.publish("t", 1)
            self.assertRaises(jackfield.UnknownKey, client.call, "unknown")
            with client.subscribe("t") as events:
                self.assertEqual(events.get(timeout=5).data, "first")
                self.assertRaises(jackfield.Timeout, events.get, timeout=0.02)
            with self.assertRaises(jackfield.Timeout):
                for event in client.subscribe("t", timeout=0.1):
                    self.assertEqual(event.data, "first")
            self.assertRaises(jackfield.Timeout, client.call, "slow", timeout=0.02)
        self.assertRaisesRegex(jackfield.NotConnected, "closed by this client", client.call, "x")
        self.assertNotIn("jackfield", [thread.name for thread in threading.enumerate()])

    def test_ctrl_c_cancels_on_the_server(self):
        seen = queue.Queue()

        async def script(peer):
            while True:
                seen.put((await peer.take())["method"])

        def interrupt():
            seen.get(timeout=20)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

        url = self.serve(script)
        # Whoever started the tests may ignore it, as a shell does for what runs in the background.
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))
        threading.Thread(target=interrupt).start()
        with self.assertRaises(KeyboardInterrupt), jackfield.connect_blocking(url) as client:
            client.call("long")
        self.assertEqual(seen.get(timeout=20), "jackfield.cancel")

    def test_a_callback_cannot_wait_for_its_own_thread(self):
        async def script(peer):
            request = await peer.take()
            await peer.tell("jackfield.progress", progress=request["progress"], done=1, total=2, text="half")
            await peer.take()

        with (
            jackfield.connect_blocking(self.serve(script)) as client,
            self.assertRaisesRegex(RuntimeError, "progress callback"),
        ):
            client.call("long", progress=lambda _: client.call("more"))

    def test_lost_and_connected_again(self):
        async def script(peer):
            if (await peer.take())["method"] == "a":
                peer.socket.transport.abort()

        url = self.serve(script)
        client = jackfield.connect_blocking(url)
        begun = time.monotonic()
        self.assertRaises(jackfield.ConnectionLost, client.call, "a")
        self.assertRaises(jackfield.NotConnected, client.call, "b")
        self.assertLess(time.monotonic() - begun, 2)
        client.close()
        jackfield.connect_blocking(url).close()
        self.assertRaises(jackfield.NotConnected, jackfield.connect_blocking, "ws://127.0.0.1:1/")
