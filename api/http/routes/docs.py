"""Swagger UI at /docs, from installed files; nothing is loaded from other hosts."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter, Path, Request
from fastapi.responses import FileResponse, HTMLResponse
from starlette.exceptions import HTTPException

from api.http.routes.dashboard import templates

router = APIRouter(include_in_schema=False)

ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """The page; it reads /openapi.json."""
    return templates.TemplateResponse(request, "docs.html", {"current_page": "docs"})


@router.get("/docs/assets/{name}")
def asset(name: str = Path(max_length=64)) -> FileResponse:
    """A file of Swagger UI from the package fastapi-offline."""
    if name not in ASSETS:
        raise HTTPException(404)
    path = files("fastapi_offline") / "static" / name
    return FileResponse(str(path), media_type=ASSETS[name], headers={"Cache-Control": "public, max-age=86400"})
