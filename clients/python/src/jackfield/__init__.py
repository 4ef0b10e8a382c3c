"""Client of Jackfield: commands over a WebSocket, with progress, attachments, cancelling and events.

async with jackfield.connect() as client:
    print(await client.call("echo", n=1))
"""

from . import errors
from .blocking import BlockingCall, BlockingClient, BlockingSubscription, connect_blocking
from .call import Call, Progress
from .client import Client, Connecting, connect
from .errors import *  # noqa: F403 - all of __all__ there
from .subscription import Event, Subscription
from .wire import Attachment

__all__ = ["Attachment", "BlockingCall", "BlockingClient", "BlockingSubscription", "Call", "Client", "Connecting", "Event"]
__all__ += ["Progress", "Subscription", "connect", "connect_blocking"]
__all__ += errors.__all__
