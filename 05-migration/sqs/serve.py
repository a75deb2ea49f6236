"""Start ministack so that it ends at once when it is told to, and keeps its queues.

Since Python 3.12 a server that closes waits for all of its connections, and a long poll takes 20 seconds. Docker kills
after ten, and the queues are saved last of all.
"""

import asyncio

from hypercorn.config import Config
from ministack.app import main


async def at_once(_: asyncio.Server) -> None:
    """Wait for no connection; those that are open have `graceful_timeout` seconds afterwards."""


asyncio.Server.wait_closed = at_once
Config.graceful_timeout = 0.2
main()
