"""A server that stops without an error in its log, whatever it is asked meanwhile."""

from __future__ import annotations

import asyncio
import logging
import socket

import uvicorn

CUT_OFF_SECONDS = 2.0
"""How long requests may still run once the server stops; open event streams end sooner by themselves."""

log = logging.getLogger("effspine")


class GracefulServer(uvicorn.Server):
    """Cancels requests that outlast a stop by CUT_OFF_SECONDS; `RequestTracing` responds with 503 where no response has
    begun.

    uvicorn's own `timeout_graceful_shutdown` would log that as an error, and cut them off without a response.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops the server; ends once no request runs."""
        timer = asyncio.get_running_loop().call_later(CUT_OFF_SECONDS, self._cut_off)
        try:
            await super().shutdown(sockets)
        finally:
            timer.cancel()

    def _cut_off(self) -> None:
        tasks = list(self.server_state.tasks)
        log.warning("stopping; %d unfinished request(s) are cut off, with 503 where no response has begun", len(tasks))
        for task in tasks:
            task.cancel()
