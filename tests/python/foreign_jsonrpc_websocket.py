"""The PyPI package jsonrpc-websocket against the server at argv[1]: argv[2] is an image, argv[3] the path for gate.wait.

Prints [STEP, WHAT CAME] a line, in the words of tests/foreign_jsonrpc.rs.
"""

import asyncio
import json
import sys

from jsonrpc_base import ProtocolError
from jsonrpc_websocket import Server


def tell(step, what):
    print(json.dumps([step, what]), flush=True)


async def error(call):
    try:
        return {"result": await call}
    except ProtocolError as failed:
        code, message, answer = failed.args
        return {"code": code, "message": message, "data": answer["error"]["data"]}


async def main(url, image, gate):
    server = Server(url)
    await server.ws_connect()
    tell("by name", await server.echo(n=1, text="ä"))
    tell("no params", (await server.jackfield.info())["name"])
    await server.image(image, "left", 50)
    listed = await server.project.list("images", 0, 10)
    tell("by position", [item["series"] for item in listed["items"]])
    tell("unknown", await error(server.no.such.command(1)))
    tell("too many", await error(server.project.list("images", 0, 10, 1)))
    tell("of the plugin", await error(server.image(file="/no/such/file", name="left", focal_length=50)))

    event = asyncio.get_running_loop().create_future()
    server.jackfield.event = lambda **params: event.set_result(params)
    await server.jackfield.subscribe(topics=["room.*"])
    await server.jackfield.publish(topic="room.1", data={"n": 2}, _notification=True)
    tell("notified", await event)

    waits = asyncio.create_task(server.gate.wait(gate))
    answers = await asyncio.gather(*(server.echo(number) for number in range(100)))
    tell("meanwhile", [answers == [[number] for number in range(100)], waits.done()])
    tell("at last", await waits)
    await server.close()


asyncio.run(main(*sys.argv[1:]))
