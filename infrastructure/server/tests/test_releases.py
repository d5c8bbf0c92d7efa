"""The classes that lean on uvicorn's inside are used on releases that their tests have passed on, and on no others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from config.env import BASE_DIR
from config.serve import server_config
from infrastructure.server import http_protocol, websocket_protocol


def locked(lock: Path) -> list[str]:
    return re.findall(r"^uvicorn==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_locked_release_is_the_installed_one_and_both_classes_know_it() -> None:
    """Fails when a lock moves on: run this folder's tests on the new release, then add it to both RELEASES."""
    found = {release for lock in (BASE_DIR / "requirements").glob("*.txt") for release in locked(lock)}
    assert found == {uvicorn.__version__}
    minor = uvicorn.__version__.rpartition(".")[0]
    assert minor in http_protocol.RELEASES
    assert minor in websocket_protocol.RELEASES
    assert http_protocol.protocol_class() is http_protocol.BoundedHttpProtocol
    assert websocket_protocol.protocol_class() is websocket_protocol.WebSocketProtocol


def test_other_releases_get_the_stock_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uvicorn, "__version__", "0.99.1")
    config = server_config(host="127.0.0.1", port=0)
    assert (config.http, config.ws) == (HttpToolsProtocol, WebSocketsSansIOProtocol)
