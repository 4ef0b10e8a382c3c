"""One command in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from .errors import ProtocolError, from_wire
from .subscription import Subscription
from .wire import Attachment, Incoming

if TYPE_CHECKING:
    from .client import Client


class Progress(NamedTuple):
    """How far a command is. A total of 0: not known."""

    done: int
    total: int
    text: str


class Call:
    """A command in flight. Await it for its result; what it raises is a JackfieldError."""

    def __init__(self, client: Client, number: int, key: str, progress: Optional[Callable[[Progress], object]]) -> None:
        self.id = number
        self.key = key
        self.attachments: list[Attachment] = []
        """All attachments of the answer, also those that the result does not refer to."""
        self._client = client
        self._progress = progress
        self._future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._settled = False  # Nobody works on it any more, so that there is nothing to cancel.
        self._subscription: Optional[Subscription] = None

    def __await__(self) -> Generator[Any, None, Any]:
        return self._future.__await__()

    def done(self) -> bool:
        return self._future.done()

    async def cancel(self) -> bool:
        """Asks the server to give it up; False: too late. The call itself then ends with Cancelled, or its result."""
        if self._settled:
            return False
        answer = await self._client.call("jackfield.cancel", {"id": self.id})
        return bool(answer.get("cancelled")) if isinstance(answer, dict) else False

    def _fail(self, error: BaseException, settled: bool = False) -> None:
        self._settled = self._settled or settled
        if not self._future.done():
            self._future.set_exception(error)

    def _answer(self, incoming: Incoming) -> None:
        envelope, self.attachments = incoming.envelope, incoming.attachments
        if incoming.problem or ("result" in envelope) == ("error" in envelope):
            problem = incoming.problem or "neither result nor error, or both"
            self._fail(ProtocolError(f"the answer to '{self.key}': {problem}"), settled=True)
        elif "error" in envelope:
            self._fail(from_wire(envelope["error"]), settled=True)
        else:
            self._settled = True
            if not self._future.done():
                self._future.set_result(incoming.result())

    def _tell(self, params: dict[str, Any]) -> None:
        if self._progress is not None and not self._future.done():
            try:
                self._progress(Progress(params.get("done", 0), params.get("total", 0), params.get("text", "")))
            except Exception as error:  # The caller's own: it ends the call.
                self._fail(error)
