"""Sends argv[2] to the server at argv[1] with a keepalive of 20 ms, says "alive" after five pings that were answered before the
command was, then prints the answer."""

import asyncio
import sys

import websockets


async def main(url, message):
    async with websockets.connect(url, ping_interval=0.02, ping_timeout=20) as ws:
        await ws.send(message)
        for _ in range(5):
            await (await ws.ping())
        print("alive", flush=True)
        print(await ws.recv(), flush=True)


asyncio.run(main(*sys.argv[1:]))
