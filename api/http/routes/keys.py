"""Listing and revoking API keys. Only the command line, directly on the database, creates and rotates them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from api.documents import KeyDocument, Page
from api.http.dependencies import ServiceStore

router = APIRouter(prefix="/v1/keys", tags=["service"])


@router.get("", summary="List keys")
def list_all(store: ServiceStore) -> Page[KeyDocument]:
    """All keys, oldest first, including revoked ones, without their secrets. Needs the scope admin."""
    items = [KeyDocument.model_validate(record.to_dict()) for record in store.service.list_keys()]
    return Page(items=items, next_cursor=None)


@router.post("/{key_id}/revoke", summary="Revoke a key")
def revoke(
    key_id: Annotated[str, Path(description="Id of the key.", max_length=64)], store: ServiceStore
) -> KeyDocument:
    """Revokes a key permanently and ends its sessions at once. A repeated request changes nothing. Needs the scope
    admin.
    """
    return KeyDocument.model_validate(store.service.revoke_key(key_id).to_dict())
