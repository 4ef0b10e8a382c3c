"""The client for asyncio."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Coroutine, Generator, Iterable
from functools import partial
from typing import Any, Optional

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as websocket
from websockets.exceptions import ConnectionClosed, WebSocketException

from .call import Call, Progress
from .errors import ConnectionLost, JackfieldError, NotConnected, ProtocolError, SubscriptionClosed, Timeout, from_wire
from .subscription import Event, Subscription
from .wire import Assembler, BytesLike, Incoming, encode

DEFAULT_URL = "ws://127.0.0.1:40010/"
log = logging.getLogger("jackfield")

# One attachment may have as much on a server with default limits.
_MESSAGE_BYTES = 256 << 20

# Well below what servers take in one batch (limits.batch, 256 unless configured): their error for a larger one has no id, so
# that it ends all calls in flight.
_BATCH = 64


class Client:
    """One connection. Made by connect(); usable from the loop that made it."""

    def __init__(self, url: str, socket: ClientConnection) -> None:
        self.url = url
        self._socket = socket
        self._ids = itertools.count(1)
        self._calls: dict[int, Call] = {}
        self._subscriptions: dict[int, Subscription] = {}
        self._sending = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._over: Optional[str] = None
        self._reader = asyncio.create_task(self._read())

    async def call(
        self,
        key: str,
        params: Any = None,
        /,
        *,
        progress: Optional[Callable[[Progress], object]] = None,
        timeout: Optional[float] = None,
        attachments: Iterable[BytesLike] = (),
        **named: Any,
    ) -> Any:
        """Sends a command and returns its result. Params are the named ones, or `params`: a dict, or a list by position.

        Bytes anywhere in params go as attachments; `attachments` come before them, and {"$attachment": INDEX} names them.
        `progress` is called with each Progress; what it raises cancels the command. When the task that waits is cancelled,
        or `timeout` seconds have passed, the command is cancelled on the server.
        """
        return await self.start(key, params, progress=progress, timeout=timeout, attachments=attachments, **named)

    def start(
        self,
        key: str,
        params: Any = None,
        /,
        *,
        progress: Optional[Callable[[Progress], object]] = None,
        timeout: Optional[float] = None,
        attachments: Iterable[BytesLike] = (),
        **named: Any,
    ) -> Call:
        """As call(), but returns the Call at once."""
        call = Call(self, next(self._ids), key, progress)
        members: dict[str, Any] = {"id": call.id}
        if progress is not None:
            members["progress"] = f"p{call.id}"
        text, blobs = encode(key, _params(params, named), attachments, **members)
        self._begin([call], timeout)
        self._spawn(self._send(text, *blobs))
        return call

    async def batch(self, requests: Iterable[tuple[str, Any]], *, timeout: Optional[float] = None) -> list[Any]:
        """Sends pairs of key and params, up to 64 in a message; a result or a JackfieldError for each, in the same order."""
        calls, texts = [], []
        for key, params in requests:
            call = Call(self, next(self._ids), key, None)
            text, blobs = encode(key, params, id=call.id)
            if blobs:
                raise ValueError(f"'{key}' has attachments, which cannot go in a batch")
            calls.append(call)
            texts.append(text)
        if calls:
            self._begin(calls, timeout)
            for at in range(0, len(texts), _BATCH):
                self._spawn(self._send(f"[{','.join(texts[at : at + _BATCH])}]"))
        return await asyncio.gather(*(call._future for call in calls), return_exceptions=True)

    async def notify(self, key: str, params: Any = None, /, *, attachments: Iterable[BytesLike] = (), **named: Any) -> None:
        """Sends a command that is not answered, and returns when it is sent."""
        text, blobs = encode(key, _params(params, named), attachments)
        self._check()
        if not await asyncio.shield(self._spawn(self._send(text, *blobs))):
            raise self._lost(f"with '{key}' in flight: its outcome is unknown")

    async def publish(self, topic: str, data: Any) -> None:
        """Publishes an event."""
        await self.call("jackfield.publish", {"topic": topic, "data": data})

    def subscribe(
        self,
        *topics: str,
        last: bool = False,
        when_full: str = "drop",
        where: Optional[dict[str, Any]] = None,
        queue: int = 1024,
        timeout: Optional[float] = None,
    ) -> Subscription:
        """Events of topics by pattern: `*` is one part, `**` the rest.

        `last`: begin with the last event of each topic. `where`: only events whose data has these values. Where more than
        `queue` events wait here, the oldest are dropped and counted in the next one, or it is closed (when_full="close").
        `timeout`: seconds that an iteration waits for each event.
        """
        params: dict[str, Any] = {"topics": list(topics), "last": last, "when_full": when_full}
        if where is not None:
            params["where"] = where
        return Subscription(self, params, queue, timeout)

    async def close(self) -> None:
        """Ends the connection. What is in flight ends with ConnectionLost."""
        self._over = self._over or "closed by this client"
        if self._tasks:  # Such as the cancel of a command: it should still go out.
            await asyncio.wait(self._tasks, timeout=1)
        if not self._reader.done():  # A connection that broke under a large message cannot bear to be closed.
            await self._socket.close()
        await asyncio.wait([self._reader])

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _check(self) -> None:
        if self._over is not None:
            raise NotConnected(f"not connected to {self.url} ({self._over}): connect again")

    def _lost(self, what: str) -> ConnectionLost:
        return ConnectionLost(f"connection to {self.url} lost ({self._over or 'closing'}), {what}")

    def _begin(self, calls: list[Call], timeout: Optional[float]) -> None:
        self._check()
        loop = asyncio.get_running_loop()
        for call in calls:
            self._calls[call.id] = call
            call._future.add_done_callback(partial(self._ended, call))
            if timeout is not None:
                late = Timeout(f"no answer to '{call.key}' within {timeout} s")
                timer = loop.call_later(timeout, call._fail, late)
                call._future.add_done_callback(partial(_cancel, timer))

    def _ended(self, call: Call, _: asyncio.Future[Any]) -> None:
        self._calls.pop(call.id, None)
        if not call._settled and self._over is None:
            # An answer to this is not waited for: it comes to an id that nobody knows any more.
            self._spawn(self._send(encode("jackfield.cancel", {"id": call.id}, id=next(self._ids))[0]))

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _send(self, text: str, *blobs: Any) -> bool:
        """In a task of its own, so that nobody's cancellation parts a text from its attachments."""
        try:
            async with self._sending:
                for message in (text, *blobs):
                    await self._socket.send(message)
        except ConnectionClosed:
            return False  # The reader sees it too, and tells everybody.
        return True

    async def _read(self) -> None:
        assembler = Assembler()
        why = "closed"
        try:
            while True:
                message = await self._socket.recv()
                try:
                    for incoming in assembler.feed(message):
                        self._take(incoming)
                except ProtocolError as problem:
                    self._doubt(problem)
        except ConnectionClosed as closed:
            why = str(closed)
        except Exception as error:  # Such as an answer nested too deeply to be walked.
            why = repr(error)
            self._spawn(self._socket.close())
        finally:
            self._over = self._over or why
            for call in list(self._calls.values()):
                call._fail(self._lost(f"with '{call.key}' in flight: its outcome is unknown"), settled=True)
            for subscription in self._subscriptions.values():
                subscription._finish(self._lost(f"no more events of {', '.join(subscription.params['topics'])}"))

    def _doubt(self, error: JackfieldError) -> None:
        """A message that belongs to nobody may have been anybody's answer: nobody shall wait for ever."""
        log.warning("%s: %s", self.url, error)
        for call in list(self._calls.values()):
            call._fail(type(error)(error.message, error.data), settled=True)

    def _take(self, incoming: Incoming) -> None:
        envelope = incoming.envelope
        if "method" in envelope:
            params = envelope.get("params")
            self._notified(envelope["method"], params if isinstance(params, dict) else {})
            return
        number = envelope["id"]
        call = self._calls.pop(number, None) if type(number) is int else None
        if call is not None:
            # Here and not where it is awaited, since the first event may be the next message.
            if call._subscription is not None and isinstance(envelope.get("result"), dict):
                call._subscription._number = number = envelope["result"].get("subscription")
                self._subscriptions[number] = call._subscription
            call._answer(incoming)
        elif number is None:
            self._doubt(from_wire(envelope.get("error")))

    def _notified(self, method: Any, params: dict[str, Any]) -> None:
        if method == "jackfield.progress":
            token = params.get("progress")
            digits = token[1:] if isinstance(token, str) else ""
            call = self._calls.get(int(digits)) if digits.isdecimal() else None
            if call is not None:
                call._tell(params)
        elif method == "jackfield.event":
            number = params.get("subscription")
            subscription = self._subscriptions.get(number) if isinstance(number, int) else None
            if subscription is None or number is None:
                pass  # Left a moment ago.
            elif params.get("closed"):
                del self._subscriptions[number]
                subscription._finish(SubscriptionClosed(str(params.get("reason", "closed by the server"))))
            else:
                dropped = params.get("dropped")
                dropped = dropped if type(dropped) is int else 0
                subscription._put(Event(str(params.get("topic")), params.get("data"), dropped))

    async def _open_subscription(self, subscription: Subscription) -> None:
        call = self.start("jackfield.subscribe", subscription.params)
        call._subscription = subscription
        try:
            await asyncio.shield(call._future)
            if subscription._end is not None:  # Closed while it was being opened.
                await self._unsubscribe(subscription._number)
        except asyncio.CancelledError:
            call._future.add_done_callback(lambda _: self._spawn(subscription.close()))
            raise

    async def _unsubscribe(self, number: Optional[int]) -> None:
        if number is not None and self._subscriptions.pop(number, None) is not None:
            try:
                await self.call("jackfield.unsubscribe", {"subscription": number})
            except JackfieldError as error:
                log.debug("%s: %s", self.url, error)


def _cancel(timer: asyncio.TimerHandle, _: object) -> None:
    timer.cancel()


def _params(params: Any, named: dict[str, Any]) -> Any:
    if named and params is not None:
        raise TypeError("params both in one argument and by name: use one of them")
    return named if params is None else params


class Connecting:
    """`async with connect() as client`, or `client = await connect()`."""

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        self._url = url
        self._options = {"compression": None, "max_size": _MESSAGE_BYTES, **options}

    def __await__(self) -> Generator[Any, None, Client]:
        return self._open().__await__()

    async def __aenter__(self) -> Client:
        self._client = await self
        return self._client

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def _open(self) -> Client:
        try:
            return Client(self._url, await websocket(self._url, **self._options))
        except (OSError, asyncio.TimeoutError, WebSocketException) as error:
            raise NotConnected(f"no connection to {self._url}: {error or type(error).__name__}") from error


def connect(url: str = DEFAULT_URL, **options: Any) -> Connecting:
    """Connects to a server. Options are those of websockets.connect (ssl, additional_headers, open_timeout, max_size...)."""
    return Connecting(url, options)
