"""Events of the topics that a client asked for, in a bounded queue."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional

from .errors import JackfieldError, SubscriptionClosed, Timeout

if TYPE_CHECKING:
    from .client import Client


@dataclass
class Event:
    """What was published."""

    topic: str
    data: Any
    dropped: int = 0
    """How many events were dropped before this one because it was not read fast enough."""


class Subscription:
    """In force from the begin of `async with`, else from the first event that is asked for; iterate over it, or get()."""

    def __init__(self, client: Client, params: dict[str, Any], queue: int, timeout: Optional[float]) -> None:
        self.params = params
        self._client = client
        self._limit = max(queue, 1)
        self._timeout = timeout
        self._number: Optional[int] = None
        self._queue: deque[Event] = deque()
        self._missed = 0
        self._news = asyncio.Event()
        self._end: Optional[JackfieldError] = None
        self._left = False

    async def get(self, timeout: Optional[float] = None) -> Event:
        """The next event. Raises Timeout, SubscriptionClosed, or ConnectionLost once all that came before is read."""
        timeout = self._timeout if timeout is None else timeout
        await self._open()
        while not self._queue:
            if self._end is not None:
                raise self._end
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), timeout)
            except asyncio.TimeoutError:
                raise Timeout(f"no event of {self.params['topics']} within {timeout} s") from None
        event = self._queue.popleft()
        event.dropped += self._missed
        self._missed = 0
        return event

    async def close(self) -> None:
        """Ends it on both sides; a loop over it ends. Never raises because of the connection."""
        self._left = True
        self._queue.clear()
        self._finish(SubscriptionClosed("closed by this client"))
        await self._client._unsubscribe(self._number)

    async def __aenter__(self) -> Subscription:
        await self._open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def __aiter__(self) -> AsyncIterator[Event]:
        mine = self._number is None  # Who did not open it by `async with` need not close it either.
        try:
            while True:
                yield await self.get()
        except SubscriptionClosed:
            if not self._left:
                raise
        finally:
            if mine:
                await self.close()

    async def _open(self) -> None:
        if self._number is None and self._end is None:
            await self._client._open_subscription(self)

    def _put(self, event: Event) -> None:
        if self._end is not None:
            return
        if len(self._queue) == self._limit:
            # The reader of the socket must go on, since answers come by it too.
            if self.params["when_full"] == "close":
                self._finish(SubscriptionClosed(f"{self._limit} events waited to be read"))
                self._client._spawn(self._client._unsubscribe(self._number))
                return
            self._missed += 1 + self._queue.popleft().dropped
        self._queue.append(event)
        self._news.set()

    def _finish(self, error: JackfieldError) -> None:
        self._end = self._end or error
        self._news.set()
