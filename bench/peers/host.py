"""A Python function as handler, through libjackfield: gives its params back. `host.py EXAMPLE LIBRARY-PREFIX`."""

import sys

sys.path.insert(0, sys.argv[1])
from jackfield_host import Engine  # noqa: E402

with Engine("ws://127.0.0.1:0", prefix=sys.argv[2]) as engine:

    @engine.command("host.python")
    def echo(params):
        return params

    for url in engine.start():
        print("listening", url, flush=True)
    engine.run()
