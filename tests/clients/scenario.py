"""The Python client against a real server: scenario.py URL GXML_FILE IMAGE_FILE, on the server's machine.

Prints "ok NAME" for each step, then "ready for restart", and waits for a line; the server is ended before or after that line.
Prints "calling" when a call is under way after that line, "ok lost" when the end was noticed ("ok lost in flight": by a call),
and waits for another line: empty, or the URL of the new server. Needs Python 3.9.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "clients/python/src"))  # An installed one comes first.

import jackfield  # noqa: E402


def ok(step):
    print(f"ok {step}", flush=True)


def long_one(gxml):
    """The file with its nominal elements many times: an import of some megabytes."""
    head, rest = gxml.split("<nominal>", 1)
    nominal, tail = rest.split("</nominal>", 1)
    return f"{head}<nominal>{nominal * 60}</nominal>{tail}"


async def imports(client, gxml, long):
    await client.call("elements", file=gxml, import_mode="clipboard")
    ok("import")
    told = []
    await client.call("elements", file=long, import_mode="new_stage", progress=told.append)
    done = [progress.done for progress in told]
    assert len(done) > 1 and done == sorted(done) and done[0] < done[-1], told
    assert all(progress.done <= progress.total for progress in told), told
    ok("progress")


async def images(client, image):
    async with client.subscribe("project.**", timeout=30) as events:
        await client.call("image", file=image, name="watched", focal_length=50)
        while (await events.get()).topic != "project.images":
            pass
    ok("watch")
    content = Path(image).read_bytes()
    await client.call("image", {"file": content, "name": "other", "focal_length": 50})
    listed = await client.call("project.list", kind="images")
    (uploaded,) = [item["id"] for item in listed["items"] if item["series"] == "other"]
    answer = await client.call("project.blob", id=uploaded)
    assert answer["blob"] == content, answer["content_type"]
    ok("upload")


async def failures(client, long):
    begun = asyncio.Event()
    params = {"file": long, "import_mode": "new_stage"}
    call = client.start("elements", params, progress=lambda _: begun.set())
    await asyncio.wait_for(begun.wait(), 30)
    assert await call.cancel()
    try:
        raise AssertionError(f"not cancelled: {await call}")
    except jackfield.Cancelled as cancelled:
        assert cancelled.code == -32004
    ok("cancel")
    for key, kind in [("no.such.command", jackfield.UnknownKey), ("image", jackfield.InvalidParams)]:
        try:
            raise AssertionError(f"{key}: {await client.call(key)}")
        except kind as error:
            assert error.culprit == "caller" and error.message, error.data
    ok("errors")


async def line():
    return (await asyncio.to_thread(sys.stdin.readline)).strip()


async def lost(client):
    print("ready for restart", flush=True)
    await line()
    end = time.monotonic() + 30
    told = False
    while time.monotonic() < end:
        try:
            call = client.start("jackfield.info", timeout=10)
            if not told:
                print("calling", flush=True)
            told = True
            await call
            await asyncio.sleep(0.01)
        except jackfield.ShuttingDown:
            pass
        except jackfield.NotConnected as error:  # ConnectionLost under a call, this itself after it.
            assert client.url in str(error), error
            return ok("lost in flight" if isinstance(error, jackfield.ConnectionLost) else "lost")
    raise AssertionError("the server is still there")


async def main(url, gxml, image):
    with tempfile.TemporaryDirectory() as folder:
        long = Path(folder, "long.gxml")
        long.write_text(long_one(Path(gxml).read_text("utf-8")), "utf-8")
        async with jackfield.connect(url) as client:
            await imports(client, gxml, str(long))
            await images(client, image)
            await failures(client, str(long))
            await lost(client)
    return await line() or url


again = asyncio.run(main(*sys.argv[1:]))
with jackfield.connect_blocking(again) as client:
    assert client.call("jackfield.info")["name"] == "jackfield"
    ok("reconnected")
