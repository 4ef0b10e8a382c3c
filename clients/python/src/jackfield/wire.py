"""Messages as values: texts with the binary messages that belong to them. No I/O."""

from __future__ import annotations

import json
from base64 import b64decode
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Optional, Union

from .errors import ProtocolError

BytesLike = Union[bytes, bytearray, memoryview]


class Attachment(bytes):
    """Binary data with a description. Anywhere in params it is sent beside the JSON; results have it in the same way."""

    name: Optional[str]
    content_type: Optional[str]

    def __new__(cls, data: BytesLike = b"", name: Optional[str] = None, content_type: Optional[str] = None) -> Attachment:
        self = super().__new__(cls, data)
        self.name, self.content_type = name, content_type
        return self

    @property
    def info(self) -> dict[str, str]:
        """The description on the wire."""
        known = {"name": self.name, "content_type": self.content_type}
        return {key: value for key, value in known.items() if value is not None}


def encode(method: str, params: Any, attachments: Iterable[BytesLike] = (), **members: Any) -> tuple[str, list[BytesLike]]:
    """A request as its text and the binary messages that must follow at once. `members` go into the envelope."""
    blobs: list[BytesLike] = []

    def refer(value: Any) -> dict[str, int]:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise TypeError(f"params of '{method}': a {type(value).__name__} is no JSON value and no attachment")
        # A view is sent by its bytes, not by its elements.
        blobs.append(value.cast("B") if isinstance(value, memoryview) else value)
        return {"$attachment": len(blobs) - 1}

    for attachment in attachments:
        refer(attachment)
    body = _dumps({} if params is None else params, default=refer)
    if body[0] not in "{[":
        raise TypeError(f"params of '{method}' are a dict (by name), a list (by position) or None, not {type(params).__name__}")
    head = {"jsonrpc": "2.0", **members, "method": method}
    if blobs:
        head["attachments"] = len(blobs)
        info = [blob.info if isinstance(blob, Attachment) else {} for blob in blobs]
        if any(info):
            head["attachment_info"] = info
    text = f'{_dumps(head)[:-1]},"params":{body}}}'
    text.encode()  # Lone surrogates fail here, where the caller sees it.
    return text, blobs


def _dumps(value: Any, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), **options)


@dataclass
class Incoming:
    """A message from the server, with its attachments, or with what is wrong with it."""

    envelope: dict[str, Any]
    wanted: int = 0
    attachments: list[Attachment] = field(default_factory=list)
    problem: Optional[str] = None

    @classmethod
    def of(cls, envelope: Any) -> Incoming:
        if not isinstance(envelope, dict) or not ("method" in envelope or "id" in envelope):
            raise ProtocolError(f"neither answer nor notification: {envelope!r:.200}")
        announced = envelope.get("attachments", 0)
        incoming = cls(envelope)
        try:
            if isinstance(announced, list):  # They stand here, as in a batch, and do not follow.
                for part in announced:
                    incoming.attach(b64decode(part["$base64"], validate=True))
                announced = len(announced)
            if type(announced) is not int or announced < 0:
                raise ValueError
            incoming.wanted = announced
        except (TypeError, KeyError, ValueError):
            incoming.problem = f"attachments is {announced!r:.200}, neither a count nor a list of $base64"
            incoming.attachments.clear()
        return incoming

    def attach(self, data: bytes) -> None:
        infos = self.envelope.get("attachment_info")
        at = len(self.attachments)
        info = infos[at] if isinstance(infos, list) and at < len(infos) and isinstance(infos[at], dict) else {}
        self.attachments.append(Attachment(data, info.get("name"), info.get("content_type")))

    def result(self) -> Any:
        """The result, with the attachments where it refers to them."""
        return place(self.envelope["result"], self.attachments)


def place(value: Any, attachments: list[Attachment]) -> Any:
    """`value` with each {"$attachment": INDEX} replaced by that attachment; others stay as they are."""
    if not attachments:
        return value
    if isinstance(value, list):
        return [place(item, attachments) for item in value]
    if not isinstance(value, dict):
        return value
    index = value.get("$attachment")
    if len(value) == 1 and type(index) is int and 0 <= index < len(attachments):
        return attachments[index]
    return {key: place(item, attachments) for key, item in value.items()}


class Assembler:
    """Puts texts together with the binary messages that they announce."""

    def __init__(self) -> None:
        self._open: deque[Incoming] = deque()

    def feed(self, message: Union[str, bytes]) -> Iterator[Incoming]:
        """What is complete with this message. Raises ProtocolError for a message that belongs to nothing."""
        if isinstance(message, str):
            while self._open:
                cut = self._open.popleft()
                cut.problem = f"{cut.wanted} attachments announced, {len(cut.attachments)} sent"
                yield cut
            try:
                content = json.loads(message)
            except (ValueError, RecursionError) as error:
                raise ProtocolError(f"no JSON ({error}): {message!r:.200}") from None
            self._open.extend([Incoming.of(item) for item in (content if isinstance(content, list) else [content])])
        elif self._open:
            self._open[0].attach(message)
        else:
            raise ProtocolError(f"a binary message of {len(message)} bytes that no text announced")
        while self._open and len(self._open[0].attachments) == self._open[0].wanted:
            yield self._open.popleft()
