"""Every way in which a call can fail: one class for each number of the server, and what happens on this side."""

from __future__ import annotations

from typing import Any, Optional

# fmt: off
__all__ = [
    "Busy", "Cancelled", "ConnectionLost", "Cycle", "Deadline", "Forbidden", "Internal", "InvalidParams",
    "InvalidRequest", "JackfieldError", "Malformed", "NotConnected", "OutcomeUnknown", "PluginCrashed",
    "PluginFailed", "PluginGone", "PluginPanicked", "ProtocolError", "ShuttingDown", "SubscriptionClosed", "Timeout",
    "TooLarge", "Unauthenticated", "Unavailable", "UnknownKey",
]
# fmt: on


class JackfieldError(Exception):
    """Base of all errors here, and what an error with an unknown number becomes."""

    code: Optional[int] = None
    """The number on the wire; None for what did not come from the server."""
    name: str = "ERROR"
    """The stable name of the number."""

    def __init__(self, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.data: dict[str, Any] = data if isinstance(data, dict) else {}
        """All that the server told: culprit, plugin, generation, path, expected, code, details."""

    @property
    def culprit(self) -> Optional[str]:
        """Whose fault it is: caller, plugin, operator or engine."""
        return self.data.get("culprit")

    @property
    def plugin(self) -> Optional[str]:
        """The plugin concerned."""
        return self.data.get("plugin")


class Malformed(JackfieldError):
    """Not JSON, or JSON outside the limits."""

    code, name = -32700, "MALFORMED"


class InvalidRequest(JackfieldError):
    """JSON, but no request."""

    code, name = -32600, "INVALID_REQUEST"


class UnknownKey(JackfieldError):
    """No such command."""

    code, name = -32601, "UNKNOWN_KEY"


class InvalidParams(JackfieldError):
    """The params do not fit the command; data has path and expected."""

    code, name = -32602, "INVALID_PARAMS"


class Internal(JackfieldError):
    """A fault of Jackfield."""

    code, name = -32603, "INTERNAL"


class Unauthenticated(JackfieldError):
    """The caller is not known."""

    code, name = -32001, "UNAUTHENTICATED"


class Forbidden(JackfieldError):
    """The caller may not do this."""

    code, name = -32002, "FORBIDDEN"


class Busy(JackfieldError):
    """A queue is full; the same command may succeed later."""

    code, name = -32003, "BUSY"


class Cancelled(JackfieldError):
    """Given up because somebody asked for it."""

    code, name = -32004, "CANCELLED"


class Deadline(JackfieldError):
    """Not answered within the server's limit."""

    code, name = -32005, "DEADLINE"


class TooLarge(JackfieldError):
    """Larger than a limit."""

    code, name = -32006, "TOO_LARGE"


class PluginFailed(JackfieldError):
    """The plugin says no; its own code and details are in data."""

    code, name = -32010, "PLUGIN_FAILED"


class PluginPanicked(JackfieldError):
    """A panic was stopped at the plugin's edge."""

    code, name = -32011, "PLUGIN_PANICKED"


class PluginCrashed(JackfieldError):
    """The plugin's process ended under the command."""

    code, name = -32012, "PLUGIN_CRASHED"


class PluginGone(JackfieldError):
    """The plugin was unloaded before the command was begun."""

    code, name = -32013, "PLUGIN_GONE"


class OutcomeUnknown(JackfieldError):
    """Begun, and nobody knows how it ended."""

    code, name = -32014, "OUTCOME_UNKNOWN"


class Cycle(JackfieldError):
    """The call would wait for itself."""

    code, name = -32015, "CYCLE"


class Unavailable(JackfieldError):
    """What the command needs is not there now."""

    code, name = -32016, "UNAVAILABLE"


class ShuttingDown(JackfieldError):
    """The server is stopping."""

    code, name = -32017, "SHUTTING_DOWN"


class NotConnected(JackfieldError, ConnectionError):
    """There is no connection: nothing was sent. connect() again."""

    name = "NOT_CONNECTED"


class ConnectionLost(NotConnected):
    """The connection ended under a command: it may have been done or not."""

    name = "CONNECTION_LOST"


class Timeout(JackfieldError, TimeoutError):
    """Not within the time that the caller gave. A call is then cancelled on the server, too."""

    name = "TIMEOUT"


class SubscriptionClosed(JackfieldError):
    """No more events: ended by close(), or because it overflowed with when_full="close"."""

    name = "SUBSCRIPTION_CLOSED"


class ProtocolError(JackfieldError):
    """The server sent what cannot be understood. The connection goes on."""

    name = "PROTOCOL_ERROR"


BY_CODE: dict[int, type[JackfieldError]] = {
    kind.code: kind for kind in JackfieldError.__subclasses__() if kind.code is not None
}


def from_wire(error: Any) -> JackfieldError:
    """The error object of an answer as an exception."""
    if not isinstance(error, dict) or type(error.get("code")) is not int or not isinstance(error.get("message"), str):
        return ProtocolError(f"an error without code and message: {error!r:.200}")
    failure = BY_CODE.get(error["code"], JackfieldError)(error["message"], error.get("data"))
    failure.code = error["code"]
    return failure
