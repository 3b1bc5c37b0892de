"""The dashboard's files, from memory: a page loads some seventy small modules, and each read of a file takes turns with
several threads.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

MAX_FILES = 512


class CachedFiles(StaticFiles):
    """Static files whose content is read again once a file has changed."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """The file, or 304 where the client has it."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        if not isinstance(response, FileResponse):
            return response
        content = _content(os.fspath(full_path), stat_result.st_mtime_ns, stat_result.st_size)
        headers = {name: response.headers[name] for name in ("etag", "last-modified")}
        return Response(content, status_code, headers, response.media_type)


@lru_cache(MAX_FILES)
def _content(path: str, _changed_ns: int, _size: int) -> bytes:
    return Path(path).read_bytes()
