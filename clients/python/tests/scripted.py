"""A server that does what a test says."""

import json
from contextlib import asynccontextmanager

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

import jackfield


class Peer:
    """The server's end of one connection."""

    def __init__(self, socket):
        self.socket = socket

    async def take(self):
        """The next request, with its binary messages as `blobs`."""
        request = json.loads(await self.socket.recv())
        if isinstance(request, dict):
            request["blobs"] = [await self.socket.recv() for _ in range(request.get("attachments", 0))]
        return request

    async def send(self, *messages):
        for message in messages:
            await self.socket.send(message if isinstance(message, (str, bytes)) else json.dumps(message))

    async def answer(self, request, result, *blobs, **members):
        if blobs:
            members["attachments"] = len(blobs)
        await self.send({"jsonrpc": "2.0", "id": request["id"], "result": result, **members}, *blobs)

    async def fail(self, request, code, message="no", data=None):
        await self.send({"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": message, "data": data}})

    async def tell(self, method, **params):
        await self.send({"jsonrpc": "2.0", "method": method, "params": params})


@asynccontextmanager
async def served(script, **options):
    """The URL of a server that runs `script(peer)` for each connection; afterwards it is checked that none failed."""
    failures = []

    async def handle(socket):
        try:
            await script(Peer(socket))
            await socket.wait_closed()
        except ConnectionClosed:
            pass
        except Exception as error:
            failures.append(error)
            raise

    async with serve(handle, "127.0.0.1", 0, **options) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    if failures:
        raise failures[0]


@asynccontextmanager
async def client_of(script):
    async with served(script) as url, jackfield.connect(url) as client:
        yield client
