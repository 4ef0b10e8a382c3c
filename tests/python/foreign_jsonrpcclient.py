"""The PyPI packages jsonrpcclient and websockets against the server at argv[1]: argv[2] is an image, argv[3] the path for
gate.wait.

Prints [STEP, WHAT CAME] a line, in the words of tests/foreign_jsonrpc.rs.
"""

import asyncio
import json
import sys

import websockets
from jsonrpcclient import Ok, notification, notification_json, parse, request, request_json


def tell(step, what):
    print(json.dumps([step, what]), flush=True)


def plain(answer):
    if isinstance(answer, Ok):
        return answer.result
    return {"code": answer.code, "message": answer.message, "data": answer.data}


async def main(url, image, gate):
    async with websockets.connect(url) as ws:

        async def call(method, params=None):
            await ws.send(request_json(method, params))
            return plain(parse(json.loads(await ws.recv())))

        tell("by name", await call("echo", {"n": 1, "text": "ä"}))
        tell("no params", (await call("jackfield.info"))["name"])
        await call("image", (image, "left", 50))
        listed = await call("project.list", ("images", 0, 10))
        tell("by position", [item["series"] for item in listed["items"]])
        tell("unknown", await call("no.such.command", (1,)))
        tell("too many", await call("project.list", ("images", 0, 10, 1)))
        tell("of the plugin", await call("image", {"file": "/no/such/file", "name": "left", "focal_length": 50}))

        await call("jackfield.subscribe", {"topics": ["room.*"]})
        await ws.send(notification_json("jackfield.publish", {"topic": "room.1", "data": {"n": 2}}))
        tell("notified", json.loads(await ws.recv())["params"])

        waits = request("gate.wait", (gate,))
        await ws.send(json.dumps(waits))
        calls = {(one := request("echo", (number,)))["id"]: one for number in range(100)}
        for one in calls.values():
            await ws.send(json.dumps(one))
        answers = [parse(json.loads(await ws.recv())) for _ in calls]
        right = all(answer.result == calls.pop(answer.id)["params"] for answer in answers)
        tell("meanwhile", [right, not calls and any(answer.id == waits["id"] for answer in answers)])
        last = parse(json.loads(await ws.recv()))
        tell("at last", last.result if last.id == waits["id"] else last)

        await call("jackfield.unsubscribe", (1,))
        batch = [
            request("echo", {"n": 3}),
            notification("echo", {"n": 4}),
            request("no.such.command", (1,)),
            request("project.list", ("images", 0, 0)),
        ]
        await ws.send(json.dumps(batch))
        answers = {answer.id: plain(answer) for answer in parse(json.loads(await ws.recv()))}
        tell("batch", [answers.pop(one["id"]) for one in batch if "id" in one])
        assert not answers, answers


asyncio.run(main(*sys.argv[1:]))
