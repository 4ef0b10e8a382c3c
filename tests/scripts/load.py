"""Sends numbered commands on several sessions without pause and checks every answer: load.py URL SESSIONS WINDOW

A line on stdin is answered with the totals so far; at the end of stdin the sessions stop, all answers are awaited, and the
totals are printed once more. Any answer that is missing, doubled, wrong or out of order ends it with what was wrong.
"""

import asyncio
import json
import sys
from collections import Counter, deque

from websockets.asyncio.client import connect

# Runs of one key, so that commands of a session overlap where the server allows it, and changes between them.
PATTERN = ["echo"] * 6 + ["c.echo"] * 6 + ["c.greet"] * 2
LIMIT = 30

answered = Counter()
versions = set()
stop = asyncio.Event()


class Session:
    def __init__(self, number, window):
        self.number, self.window = number, asyncio.Semaphore(window)
        self.expected = deque()

    async def run(self, url):
        async with connect(url) as socket:
            sending = asyncio.create_task(self.send(socket))
            while True:
                async with asyncio.timeout(LIMIT):
                    answer = await socket.recv()
                self.check(answer)
                if answer.startswith('"last'):
                    break
            await sending
            await socket.close()
            async for surplus in socket:
                raise ValueError(f"session {self.number}: nobody asked for {surplus}")

    async def send(self, socket):
        number = 0
        while not stop.is_set():
            # Never a burst without giving way to the answers.
            await self.window.acquire()
            key = PATTERN[number % len(PATTERN)]
            params = {"session": self.number, "number": number}
            self.expected.append((key, params))
            await socket.send(json.dumps({key: params}))
            number += 1
        self.expected.append(("echo", f"last of {self.number}"))
        await socket.send(json.dumps({"echo": f"last of {self.number}"}))

    def check(self, text):
        if not self.expected:
            raise ValueError(f"session {self.number}: nobody asked for {text}")
        key, params = self.expected.popleft()
        try:
            answer = json.loads(text)
            if key == "c.greet":
                versions.add(answer["version"])
                answer = answer["to"]
        except (ValueError, KeyError, TypeError):
            answer = text
        if answer != params:
            raise ValueError(f"session {self.number}: {key} {params} is answered with {text}")
        answered[key] += 1
        self.window.release()


def tell():
    print(json.dumps({"answered": answered, "versions": sorted(versions)}), flush=True)


async def listen():
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        tell()
    stop.set()


async def main(url, sessions, window):
    async with asyncio.TaskGroup() as group:
        group.create_task(listen())
        for number in range(int(sessions)):
            group.create_task(Session(number, int(window)).run(url))
    tell()


try:
    asyncio.run(main(*sys.argv[1:]))
except* Exception as failed:
    print(json.dumps({"wrong": [repr(error) for error in failed.exceptions]}), flush=True)
    sys.exit(1)
