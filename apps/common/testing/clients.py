"""Callers of the zones: JSON requests through the whole of Django."""

from __future__ import annotations

from typing import Any

from django.test import Client

from apps.api import services


class Api:
    """Calls paths below a zone's newest version, or absolute ones, with the same headers each time.

    A fault of the server is an answer 500, as in production; with `raises` it is an exception of the test.
    """

    def __init__(
        self, zone: str, headers: dict[str, str] | None = None, *, version: str = "v1", raises: bool = False
    ) -> None:
        self.client = Client(raise_request_exception=raises)
        self.root = f"/api/{zone}/{version}/"
        self.headers = headers or {}

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The response; its body is JSON, problem, or empty."""
        sends = {} if body is None else {"data": body, "content_type": "application/json"}
        address = path if path.startswith(("/", "http")) else self.root + path
        return getattr(self.client, method.lower())(address, headers={**self.headers, **headers}, **sends)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("get", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("post", path, body, **headers)

    def put(self, path: str, body: Any = None) -> Any:
        return self.call("put", path, body)

    def patch(self, path: str, body: Any = None) -> Any:
        return self.call("patch", path, body)

    def delete(self, path: str, body: Any = None) -> Any:
        return self.call("delete", path, body)


def service(*scopes: str) -> Api:
    """A service with a new key for these routes, by default for all, in the internal zone."""
    key = services.create_key(name="test", scopes=list(scopes) or ["*"]).plain
    return Api("internal", {"Authorization": f"Api-Key {key}"})


def code_of(response: Any) -> tuple[int, str]:
    """Status and code of a problem document."""
    assert response["Content-Type"] == "application/problem+json", response.content
    return response.status_code, response.json()["code"]
