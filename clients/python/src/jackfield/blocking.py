"""The same client for programs without asyncio: its loop runs in a background thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent import futures
from typing import Any, Optional, TypeVar

from .call import Call, Progress
from .client import DEFAULT_URL, Client, connect
from .errors import NotConnected, SubscriptionClosed
from .subscription import Event, Subscription
from .wire import Attachment, BytesLike

T = TypeVar("T")

# How long an interrupt may go unseen, in seconds.
_TURN = 0.5


class BlockingCall:
    """A command in flight."""

    def __init__(self, client: BlockingClient, call: Call) -> None:
        self._client = client
        self._call = call

    @property
    def attachments(self) -> list[Attachment]:
        """All attachments of the answer, also those that the result does not refer to."""
        return self._call.attachments

    def result(self) -> Any:
        """Waits for the result."""

        async def wait() -> Any:
            return await self._call

        return self._client._run(wait())

    def done(self) -> bool:
        return self._call.done()

    def cancel(self) -> bool:
        """Asks the server to give it up: False if it was too late."""
        return self._client._run(self._call.cancel())


class BlockingSubscription:
    """Iterate over it, or get(); best in a `with`, which ends it."""

    def __init__(self, client: BlockingClient, subscription: Subscription) -> None:
        self._client = client
        self._subscription = subscription

    def get(self, timeout: Optional[float] = None) -> Event:
        """The next event. Raises Timeout, SubscriptionClosed or ConnectionLost."""
        return self._client._run(self._subscription.get(timeout))

    def close(self) -> None:
        """Ends it on both sides; a loop over it ends."""
        self._client._run(self._subscription.close())

    def __enter__(self) -> BlockingSubscription:
        self._client._run(self._subscription.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        if not self._client._closed:
            self.close()

    def __iter__(self) -> Iterator[Event]:
        mine = self._subscription._number is None
        try:
            while True:
                yield self.get()
        except SubscriptionClosed:
            if not self._subscription._left:
                raise
        finally:
            if mine:
                self.__exit__()


class BlockingClient:
    """One connection. Usable from several threads. Ctrl-C cancels the command on the server."""

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        self.url = url
        self._closed = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="jackfield", daemon=True)
        self._thread.start()

        async def open() -> Client:
            return await connect(url, **options)

        try:
            self._client = self._run(open())
        except BaseException:
            self._stop()
            raise

    def call(
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
        """As Client.call. `progress` is called on the background thread: it may raise, but not use this client."""
        work = self._client.call(key, params, progress=progress, timeout=timeout, attachments=attachments, **named)
        return self._run(work)

    def start(self, key: str, params: Any = None, /, **options: Any) -> BlockingCall:
        """As call(), but returns the BlockingCall at once."""

        async def start() -> Call:
            return self._client.start(key, params, **options)

        return BlockingCall(self, self._run(start()))

    def batch(self, requests: Iterable[tuple[str, Any]], *, timeout: Optional[float] = None) -> list[Any]:
        """As Client.batch."""
        return self._run(self._client.batch(requests, timeout=timeout))

    def notify(self, key: str, params: Any = None, /, **options: Any) -> None:
        """As Client.notify."""
        self._run(self._client.notify(key, params, **options))

    def publish(self, topic: str, data: Any) -> None:
        """Publishes an event."""
        self._run(self._client.publish(topic, data))

    def subscribe(self, *topics: str, **options: Any) -> BlockingSubscription:
        """As Client.subscribe."""

        async def subscribe() -> Subscription:
            return self._client.subscribe(*topics, **options)

        return BlockingSubscription(self, self._run(subscribe()))

    def close(self) -> None:
        """Ends the connection. What is in flight ends with ConnectionLost."""
        if not self._closed:
            self._run(self._client.close())
            self._stop()

    def __enter__(self) -> BlockingClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        if self._closed or threading.current_thread() is self._thread:
            work.close()
            if self._closed:
                raise NotConnected(f"not connected to {self.url} (closed by this client): connect again")
            raise RuntimeError("a progress callback cannot wait for the client: it runs on the thread that reads answers")
        tasks: list[asyncio.Task[Any]] = []
        given_up = False

        async def kept() -> Any:
            if given_up:
                work.close()
                raise asyncio.CancelledError
            tasks.append(asyncio.current_task())  # type: ignore[arg-type]
            return await work

        try:
            future = asyncio.run_coroutine_threadsafe(kept(), self._loop)
            # In turns: a wait without a limit can miss an interrupt that comes as it begins, and on Windows misses all.
            while not futures.wait([future], timeout=_TURN).done:
                pass
            return future.result()
        except BaseException:
            # With KeyboardInterrupt, which may come anywhere here, the work goes on: cancelled, it cancels the command.
            given_up = True
            self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in tasks])
            raise

    def _serve(self) -> None:
        self._loop.run_forever()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        if left:
            self._loop.run_until_complete(asyncio.wait(left))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _stop(self) -> None:
        self._closed = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


def connect_blocking(url: str = DEFAULT_URL, **options: Any) -> BlockingClient:
    """Connects to a server; options as for connect(). Best in a `with`."""
    return BlockingClient(url, options)
