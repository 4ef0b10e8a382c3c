"""The server of the ZEISS INSPECT WebSocket example in its shape: receive, parse, look at the first key, answer."""

import asyncio
import json

from websockets.asyncio.server import serve


async def handler(websocket):
    async for message in websocket:
        try:
            request = json.loads(message)
        except json.JSONDecodeError:
            await websocket.send("Error: Malformed JSON message.")
            continue
        if "echo" in request:
            await websocket.send(json.dumps(request["echo"]))
        else:
            await websocket.send("Error: Unknown request:\n" + message)


async def main():
    # The generator offers no compression; the example's default comes to the same.
    async with serve(handler, "127.0.0.1", 0, compression=None, max_size=None) as server:
        print("listening ws://127.0.0.1:%d" % server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


asyncio.run(main())
