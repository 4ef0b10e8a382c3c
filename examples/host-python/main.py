"""A host application in Python, to start from: `circle` and `import` are handled here, on the main thread, until Ctrl-C.

Usage: python main.py [LISTEN]; with JACKFIELD_LIBRARY=PREFIX/lib/libjackfield.so.0 where the system does not find it.
"""

import math
import sys

from jackfield_host import READ_ONLY, Engine

engine = Engine(sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:40010")

RADIUS = {"type": "number", "exclusiveMinimum": 0, "maximum": 1000000}
SCHEMA = {"type": "object", "required": ["radius"], "additionalProperties": False, "properties": {"radius": RADIUS}}


@engine.command("circle", help="Area of a circle", params_schema=SCHEMA, flags=READ_ONLY)
def circle(params):
    return {"area": math.pi * params["radius"] ** 2}


@engine.command("measure", help="Measures at some points, which takes long")
def measure(params):
    for number, point in enumerate(params["points"], 1):
        engine.progress(number, len(params["points"]), f"point {point}")
    return {"measured": len(params["points"])}


@engine.catch_all
def handle_command(command):
    """As in the apps of ZEISS INSPECT: gets the whole message, and what it raises is answered behind `Error: `."""
    if "elements" not in command:
        raise ValueError(f"Unknown request: {command}")
    print("importing", command["elements"]["file"], flush=True)


with engine:
    for url in engine.start():
        print("listening", url, flush=True)
    engine.run()
