"""Swagger UI at /docs, from installed files; nothing is loaded from other hosts."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter, Path
from fastapi.responses import FileResponse, HTMLResponse
from starlette.exceptions import HTTPException

from api.http.dependencies import ServiceSettings

router = APIRouter(include_in_schema=False)

ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
PAGE = """<!doctype html>
<html lang="en" data-root="{root}">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>effspine API</title>
  <link rel="icon" type="image/svg+xml" href="{root}/static/mark.svg">
  <link rel="stylesheet" href="{root}/docs/assets/swagger-ui.css">
  <script defer src="{root}/docs/assets/swagger-ui-bundle.js"></script>
  <script defer src="{root}/static/docs.js"></script>
</head>
<body><div id="swagger-ui"></div></body>
</html>
"""


@router.get("/docs")
def docs(settings: ServiceSettings) -> HTMLResponse:
    """The page; it reads /openapi.json."""
    return HTMLResponse(PAGE.format(root=settings.root_path))


@router.get("/docs/assets/{name}")
def asset(name: str = Path(max_length=64)) -> FileResponse:
    """A file of Swagger UI from the package fastapi-offline."""
    if name not in ASSETS:
        raise HTTPException(404)
    path = files("fastapi_offline") / "static" / name
    return FileResponse(str(path), media_type=ASSETS[name], headers={"Cache-Control": "public, max-age=86400"})
