"""The response while a figure is still being computed: 202, which is no error, with how far it is."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.http.response_headers import VALIDATORS

RETRY_SECONDS = 1


class Pending(BaseModel):
    """How far a computation is that goes on with the next request."""

    detail: str = Field(description="In words.", examples=["Replaying the search: 136 of 160 rewards"])
    done: int = Field(description="Replayed rewards.", examples=[136])
    of: int = Field(description="Rewards that there are.", examples=[160])


PENDING: dict[int | str, dict[str, Any]] = {
    202: {
        "model": Pending,
        "description": "It is still being computed; send the request again after `Retry-After` seconds.",
    }
}
"""For routes of what a replay of the search is needed for."""


def pending(request: Request, error: Any) -> JSONResponse:
    """The response for HistoryPendingError, which has no ETag: the same version of the data has another one soon."""
    setattr(request.state, VALIDATORS, {})
    body = Pending(detail=str(error), done=error.done, of=error.of)
    return JSONResponse(body.model_dump(), 202, {"Retry-After": str(RETRY_SECONDS)})
