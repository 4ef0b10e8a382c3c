"""What jackfield_host.py promises beside its example: host_edges.py FOLDER, where that file is."""

import signal
import sys
import threading
import time

sys.path.insert(0, sys.argv[1])

from jackfield_host import Engine, JackfieldError  # noqa: E402

engine = Engine("ws://127.0.0.1:0")


@engine.command("where")
def where(_):
    return {"main": threading.current_thread() is threading.main_thread()}


@engine.command("same")
def same(params):
    return params


@engine.command("nothing")
def nothing(_):
    pass


@engine.command("nan")
def nan(_):
    return float("nan")


@engine.command("silent")
def silent(_):
    raise LookupError


class Unsayable(Exception):
    def __str__(self):
        raise RuntimeError


@engine.command("unsayable")
def unsayable(_):
    raise Unsayable


@engine.command("surrogate")
def surrogate(_):
    return ["\udcff"]


@engine.command("leave")
def leave(params):
    sys.exit(params)


@engine.command("hang")
def hang(_):
    print("hangs", flush=True)
    while signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        time.sleep(0.01)
    print("interrupted", flush=True)
    while True:
        time.sleep(0.01)


def refused(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except JackfieldError as error:
        print(error, flush=True)


with engine:
    refused(engine.command("same"), same)
    refused(engine.command("bad", params_schema={"type": 3}), same)
    print("listening", *engine.start(), flush=True)
    engine.run()
refused(engine.poll)
print("end", flush=True)
